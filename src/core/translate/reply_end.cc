// How a reply ends: what counts as an end, which reason the client is given, what it cost.
#include <algorithm>

#include "base/text.h"
#include "core/translate/reply_core.h"
#include "core/translate/usage.h"

namespace clasp::translate {

// Text that a filter or a half character held back, before something else follows.
void ReplyCore::flush_text() {
  const std::string_view half = text_joiner.finish();
  if (!half.empty()) on_text(half);
  if (!filter.passive()) {
    TextFilter::Output out;
    filter.finish(out);
    emit(out);
  }
  if (text_tools) {
    std::vector<TextTools::Item> items;
    text_tools->finish(items);
    show_items(items);
  }
  flush_fenced();
}

// Shows what can be shown, and ends early when a stop sequence of ours was met.
void ReplyCore::flush() {
  if (queue.overflow()) {
    fail(bad_gateway("backend's answer is too large"));
    return;
  }
  if (filter.stopped()) {
    end_normally();
    return;
  }
  if (queue.wants_open()) open();
  queue.pump();
}

void ReplyCore::end(bool by_done) {
  if (state != State::running) return;
  if (!finish_seen && !in_document) {
    flush_text();
    if (!by_done)
      fail(bad_gateway("stream ended prematurely"));
    else if (!queue.has_content())
      fail(bad_gateway("empty stream"));
    else if (!context.dialect->lax_finish)
      fail(bad_gateway("stream ended prematurely"));
    else
      note("no finish_reason");
    if (state != State::running) return;
  }
  end_normally();
}

void ReplyCore::end_normally() {
  if (!filter.stopped()) before_end();
  if (state != State::running) return;
  flush_text();
  const std::string_view half = thinking_joiner.finish();
  if (!half.empty()) queue.thinking(half);
  after_text();
  auto how = BlockQueue::End::whole;
  if (finish == Finish::length) how = BlockQueue::End::cut;
  if (finish == Finish::content_filter) how = BlockQueue::End::filtered;
  if (filter.stopped()) how = BlockQueue::End::cut;
  const char* problem = queue.finish(how);
  if (problem != nullptr || queue.overflow()) {
    fail(bad_gateway(problem != nullptr ? problem : "backend's answer is too large"));
    return;
  }
  if (queue.raw_input_kept()) note("tool input that is no JSON");
  if (queue.stray_input()) note("bytes behind tool input");
  usage = make_usage(queue.output_bytes());
  open();
  queue.pump();
  if (!sources.empty() && how != BlockQueue::End::filtered)
    for (const std::string& block : sources.render_blocks(context, make_id(random, kOwnSearch)))
      queue.whole_block(block);
  collect_states();
  const std::string_view reason = choose_reason();
  send_end(summary ? end_summary(reason) : reason, nullptr);
}

std::string_view ReplyCore::choose_reason() {
  StopFacts facts;
  facts.finish = finish;
  facts.refused = refused;
  facts.tool_blocks = queue.tool_emitted();
  facts.local_stop = filter.stopped();
  facts.backend_stop = !matched_stop.empty();
  facts.native_stop = native_stop;
  const std::int64_t total =
      usage.input_tokens + usage.cache_read + usage.cache_write + usage.output_tokens;
  facts.context_full = !usage.estimated && context.context_window > 0 &&
                       total >= context.context_window && usage.output_tokens < context.max_tokens;
  if (finish == Finish::tool_calls && !facts.tool_blocks) note("tool_calls without a call");
  const std::string_view reason = choose_stop_reason(facts);
  // The client's own cap was too small to be sent; it would have ended the answer.
  const std::int64_t visible =
      usage.output_tokens - std::max<std::int64_t>(usage.thinking_tokens, 0);
  // With none at all there was nothing to say.
  const bool beyond = context.cap_raised && (context.max_tokens == 0 ||
                                             (!usage.estimated && visible > context.max_tokens));
  return reason == "end_turn" && beyond ? "max_tokens" : reason;
}

Usage ReplyCore::make_usage(std::size_t output_bytes) const {
  const std::int64_t estimate = report.prompt >= 0 ? 0 : context.input_estimate.tokens();
  return translate_usage(report, estimate, output_bytes, context.dialect->output_from_total);
}

// A summary that was cut off would lose what the client is about to throw away.
std::string_view ReplyCore::end_summary(std::string_view reason) {
  if (reason == "refusal") return reason;
  const bool whole = reason == "end_turn" || reason == "tool_use" || reason == "stop_sequence";
  summary->finish(whole, ReasoningState::render_tag(context));
  return "compaction";
}

wire::MessageUsage ReplyCore::wire_usage() const {
  wire::MessageUsage out;
  out.input_tokens = usage.input_tokens;
  out.output_tokens = usage.output_tokens;
  out.cache_creation_input_tokens = usage.cache_write;
  out.cache_read_input_tokens = usage.cache_read;
  out.thinking_tokens = usage.thinking_tokens;
  out.cache_write_known = usage.cache_write_known;
  out.service_tier = service_tier;
  if (context.web_search) out.web_search_requests = std::max<std::int64_t>(report.web_searches, 0);
  out.fast = context.fast && service_tier == "priority";
  if (!sources.empty())
    out.web_search_requests = std::max<std::int64_t>(out.web_search_requests, 1);
  return out;
}

void ReplyCore::send_end(std::string_view reason, const Conclusion* conclusion) {
  open();
  if (conclusion != nullptr) usage = make_usage(0);
  stop_reason.assign(reason);
  wire::MessageEnd end;
  end.stop_reason = stop_reason;
  end.beta = context.beta;
  end.context_management_json = context.context_management_json;
  end.usage = wire_usage();
  std::string explanation = decode_json_string(refusal);
  if (conclusion != nullptr) {
    end.refusal = conclusion->refusal;
    end.refusal_category = conclusion->category;
    explanation = scrub_utf8(conclusion->explanation);
  } else {
    end.refusal = reason == "refusal";
  }
  end.refusal_explanation = explanation;
  if (reason == "stop_sequence") {
    end.stop_sequence = filter.stopped() ? std::string_view(filter.matched()) : matched_stop;
    end.has_stop_sequence = !end.stop_sequence.empty();
  }
  sink.message_end(end);
  state = State::done;
}

}  // namespace clasp::translate

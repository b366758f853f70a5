// The state machine of Chat replies: what a chunk and a whole completion mean.
#include "core/translate/reply.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "core/translate/reply_impl.h"
#include "core/translate/usage.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxCitationList = 64u << 10;

}  // namespace

Reply::Reply(ReplyContext context, ReplyParser& parser, wire::EventSink& sink, Random& random)
    : ReplyBase(std::make_unique<Impl>(std::move(context), *parser.chat_, sink, random)) {}

bool Reply::Impl::read_event(std::string_view data, std::size_t slack, std::string_view) {
  if (!parser.parse(data, slack)) return false;
  on_chunk(parser.chunk(), data);
  return true;
}

bool Reply::Impl::read_document(std::string_view text, std::size_t slack) {
  // A large answer gets a parser of its own: the shared one would keep the memory.
  constexpr std::size_t kLarge = 1u << 20;
  std::optional<wire::ChatParser> own;
  wire::ChatParser& chat = text.size() > kLarge ? own.emplace() : parser;
  if (!chat.parse(text, slack)) return false;
  on_whole_chunk(chat.chunk(), text);
  return true;
}

void Reply::Impl::on_whole_chunk(const wire::ChatChunk& found, std::string_view text) {
  if (found.choices.empty()) {
    const bool blocked = !found.prompt_feedback_json.empty();
    if (blocked || is_real_error(found.error_json) || found.bare_error)
      on_error(text);
    else
      fail(bad_gateway("backend returned no choices"));
    return;
  }
  in_document = true;
  wire::ChatChunk chunk = found;
  std::stable_sort(chunk.choices.begin(), chunk.choices.end(),
                   [](const auto& a, const auto& b) { return a.index < b.index; });
  on_chunk(chunk, text);
}

void Reply::Impl::on_chunk(const wire::ChatChunk& chunk, std::string_view whole) {
  if (is_real_error(chunk.error_json) || chunk.bare_error) {
    on_error(whole);
    return;
  }
  // Gemini blocks a prompt with a chunk that has no choice.
  if (!chunk.prompt_feedback_json.empty() && chunk.choices.empty() &&
      detect_policy_refusal(200, whole)) {
    on_error(whole);
    return;
  }
  remember_usage(report, chunk.usage);
  if (upstream_id.empty() && !chunk.id.empty() && chunk.id.raw.size() <= 256)
    upstream_id.assign(chunk.id.raw);
  if (!chunk.service_tier.empty()) service_tier = translate_service_tier(chunk.service_tier.raw);
  if (context.web_search && !chunk.citations_json.empty() &&
      chunk.citations_json.size() <= kMaxCitationList)
    citations_json.assign(chunk.citations_json);
  for (const wire::ChatChoice& choice : chunk.choices) {
    // Routers put the failure of one answer into its choice.
    if (is_real_error(choice.error_json)) {
      on_error(choice.error_json);
      return;
    }
    on_choice(choice, chunk);
    if (state != State::running || filter.stopped()) return;
  }
}

void Reply::Impl::after_text() {
  if (citations_json.empty()) return;
  for (const WebSource& source : read_source_list(citations_json)) {
    sources.add(source.url_raw, source.title_raw);
    queue.cite(render_citation(context, source.url_raw, source.title_raw, ""));
  }
}

void Reply::Impl::collect_states() {
  if (!context.keep_states || context.replay_kind() == ReasoningReplay::none) return;
  if (queue.states().empty() || !queue.tool_emitted()) return;
  for (const auto& call : queue.calls())
    if (call->started) call_states.tool_ids.push_back(call->id);
  call_states.state.whole = queue.states().render_signature(context);
  if (!queue.late_states().empty())
    call_states.state.late = queue.late_states().render_signature(context);
}

}  // namespace clasp::translate

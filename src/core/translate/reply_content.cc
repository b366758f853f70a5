// From chunks to blocks: the order in which the kinds of content in one chunk count, and where
// each of them goes.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "core/translate/citations.h"
#include "core/translate/reply_impl.h"

namespace clasp::translate {

namespace {

std::string_view text_of(const wire::ChatReasoningDetail& detail) {
  return !detail.text.empty() ? detail.text.raw : detail.summary.raw;
}

// Some servers send the same text under both names.
std::string_view reasoning_of(const wire::ChatChoice& choice) {
  return !choice.reasoning_content.empty() ? choice.reasoning_content.raw : choice.reasoning.raw;
}

}  // namespace

// Answers have one choice, few servers send more; strange numbers share the last place.
Seen& Reply::Impl::seen_of(std::int64_t choice) {
  constexpr std::size_t kMost = 8;
  for (Seen& one : seen)
    if (one.choice == choice) return one;
  if (seen.size() >= kMost) return seen.back();
  return seen.emplace_back(Seen{.choice = choice, .text = {}, .thinking = {}, .refusal = {}});
}

void Reply::Impl::on_choice(const wire::ChatChoice& choice, const wire::ChatChunk& chunk) {
  const bool repeats = choice.whole && !in_document;
  Seen& shown = seen_of(choice.index);
  if (repeats)
    on_whole(choice, chunk, shown);
  else
    on_content(choice, chunk, shown);
  if (choice.images && !(repeats && shown.images)) on_image();
  shown.images = shown.images || choice.images;
  const std::string_view refusal_raw = choice.refusal.raw;
  if (!refusal_raw.empty())
    on_refusal(repeats ? unseen(shown.refusal, refusal_raw) : shown.refusal.add(refusal_raw));
  if (context.web_search && !choice.annotations.empty()) {
    for (std::uint32_t i = choice.annotations.first; i < choice.annotations.end; ++i)
      sources.add(chunk.annotations[i].url.raw, chunk.annotations[i].title.raw);
    if (!in_document && !(repeats && shown.annotations)) on_annotations(choice, chunk);
    shown.annotations = true;
  }
  if (filter.stopped()) return;
  if (!choice.thought_signature.empty()) queue.add_text_signature(choice.thought_signature.raw);
  on_tools(choice, chunk);
  if (choice.finish) on_finish(choice);
}

// True when the choice's own fields held text: then the lesser sources in its content are silent.
bool Reply::Impl::on_reasoning(const wire::ChatChoice& choice, const wire::ChatChunk& chunk,
                               Seen& shown) {
  bool found = false;
  for (std::uint32_t i = choice.details.first; i < choice.details.end; ++i) {
    const std::string_view text = text_of(chunk.details[i]);
    found = found || !text.empty();
    on_thinking(shown.thinking.add(text));
    if (context.replay_kind() == ReasoningReplay::details) queue.add_detail(chunk.details[i]);
    shown.details = true;
  }
  if (found) return true;
  const std::string_view text = reasoning_of(choice);
  on_thinking(shown.thinking.add(text));
  return !text.empty();
}

void Reply::Impl::on_content(const wire::ChatChoice& choice, const wire::ChatChunk& chunk,
                             Seen& shown) {
  const bool reasoned = on_reasoning(choice, chunk, shown);
  // A document says everything once: nothing has to be remembered of it.
  const auto remember = [this](SeenText& memory, std::string_view raw) {
    return in_document ? raw : memory.add(raw);
  };
  const auto think = [&](std::string_view raw) {
    if (!reasoned) on_thinking(remember(shown.thinking, raw));
  };
  if (choice.thought)
    think(choice.content.raw);
  else if (in_document && context.web_search && !choice.annotations.empty())
    on_cited_text(choice.content.raw, {chunk.annotations.begin() + choice.annotations.first,
                                       chunk.annotations.begin() + choice.annotations.end});
  else
    on_text(remember(shown.text, choice.content.raw));
  for (std::uint32_t i = choice.parts.first; i < choice.parts.end; ++i) {
    const wire::ChatContentPart& part = chunk.parts[i];
    switch (part.kind) {
      case wire::ChatContentPart::Kind::text:
        on_text(remember(shown.text, part.raw));
        break;
      case wire::ChatContentPart::Kind::thinking:
        think(part.raw);
        break;
      case wire::ChatContentPart::Kind::image:
        shown.images = true;
        on_image();
        break;
    }
  }
}

// What a whole version of a text has behind its pieces. One that differs from them adds nothing:
// the client has seen the pieces.
std::string_view Reply::Impl::unseen(SeenText& pieces, std::string_view whole) {
  if (whole.empty()) return {};
  const auto rest = pieces.rest(whole);
  if (!rest) note("whole message that differs from its pieces");
  return rest ? pieces.add(*rest) : std::string_view();
}

// A whole message at the end of a stream repeats what its pieces said, and may say more.
void Reply::Impl::on_whole(const wire::ChatChoice& choice, const wire::ChatChunk& chunk,
                           Seen& shown) {
  std::string thinking, text;
  for (std::uint32_t i = choice.details.first; i < choice.details.end; ++i)
    thinking.append(text_of(chunk.details[i]));
  if (thinking.empty()) thinking.append(reasoning_of(choice));
  const bool reasoned = !thinking.empty();
  const auto take = [&](bool thought, std::string_view raw) {
    if (!thought)
      text.append(raw);
    else if (!reasoned)
      thinking.append(raw);
  };
  take(choice.thought, choice.content.raw);
  bool image = false;
  for (std::uint32_t i = choice.parts.first; i < choice.parts.end; ++i) {
    const wire::ChatContentPart& part = chunk.parts[i];
    image = image || part.kind == wire::ChatContentPart::Kind::image;
    take(part.kind == wire::ChatContentPart::Kind::thinking, part.raw);
  }
  // Some servers take thinking out of the text only in the end.
  if (!tags_seen) on_thinking(unseen(shown.thinking, thinking));
  if (context.replay_kind() == ReasoningReplay::details && !shown.details)
    for (std::uint32_t i = choice.details.first; i < choice.details.end; ++i)
      queue.add_detail(chunk.details[i]);
  shown.details = shown.details || !choice.details.empty();
  on_text(unseen(shown.text, text));
  if (image && !shown.images) on_image();
  shown.images = shown.images || image;
}

void Reply::Impl::on_annotations(const wire::ChatChoice& choice, const wire::ChatChunk& chunk) {
  cite({chunk.annotations.begin() + choice.annotations.first,
        chunk.annotations.begin() + choice.annotations.end});
}

void Reply::Impl::on_tools(const wire::ChatChoice& choice, const wire::ChatChunk& chunk) {
  if (choice.tools.empty()) return;
  flush_text();
  for (std::uint32_t i = choice.tools.first; i < choice.tools.end; ++i)
    if (choice.whole && !in_document)
      queue.whole_tool(chunk.tools[i], choice.index, i - choice.tools.first);
    else
      queue.tool(chunk.tools[i], choice.index, i - choice.tools.first);
}

void Reply::Impl::on_finish(const wire::ChatChoice& choice) {
  const Finish parsed = parse_finish(choice.finish.raw);
  if (parsed == Finish::unknown) note("unknown finish_reason");
  finish = merge_finish(finish, parsed);
  finish_seen = true;
  native_stop = native_stop || iequals(choice.native_finish.raw, "stop_sequence") ||
                iequals(choice.finish.raw, "stop_sequence");
  if (!choice.stop_text.empty()) {
    std::string clean;
    append_clean_raw(clean, choice.stop_text.raw);
    const std::string text = decode_json_string(clean);
    const auto& known = context.stop_sequences;
    if (std::find(known.begin(), known.end(), text) != known.end()) matched_stop = text;
  }
  switch (parsed) {
    case Finish::error:
      fail(bad_gateway("backend ended the answer with an error"));
      break;
    case Finish::aborted:
      fail(bad_gateway("backend aborted the answer"));
      break;
    case Finish::overloaded:
      fail(wire::make_error(wire::ErrorType::overloaded, "backend ran out of resources"));
      break;
    default:
      break;
  }
}

}  // namespace clasp::translate

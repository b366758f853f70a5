// The state of one Chat reply, shared by the files that make up its machine: reply.cc (chunks),
// reply_content.cc (chunks to blocks).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/translate/reply.h"
#include "core/translate/reply_core.h"
#include "core/translate/seen_text.h"

namespace clasp::translate {

// What a stream showed of one choice.
struct Seen {
  std::int64_t choice = 0;
  SeenText text, thinking, refusal;  // raw, as they came
  bool details = false, annotations = false, images = false;
};

struct Reply::Impl final : ReplyCore {
  Impl(ReplyContext reply_context, wire::ChatParser& chat, wire::EventSink& event_sink,
       Random& random_source)
      : ReplyCore(std::move(reply_context), event_sink, random_source), parser(chat) {}

  bool read_event(std::string_view data, std::size_t slack, std::string_view name) override;
  bool read_document(std::string_view text, std::size_t slack) override;
  void after_text() override;
  void collect_states() override;

  void on_chunk(const wire::ChatChunk& chunk, std::string_view whole);
  void on_whole_chunk(const wire::ChatChunk& chunk, std::string_view whole);
  void on_choice(const wire::ChatChoice& choice, const wire::ChatChunk& chunk);
  Seen& seen_of(std::int64_t choice);
  bool on_reasoning(const wire::ChatChoice& choice, const wire::ChatChunk& chunk, Seen& seen);
  void on_content(const wire::ChatChoice& choice, const wire::ChatChunk& chunk, Seen& seen);
  void on_whole(const wire::ChatChoice& choice, const wire::ChatChunk& chunk, Seen& seen);
  std::string_view unseen(SeenText& pieces, std::string_view whole);
  void on_annotations(const wire::ChatChoice& choice, const wire::ChatChunk& chunk);
  void on_tools(const wire::ChatChoice& choice, const wire::ChatChunk& chunk);
  void on_finish(const wire::ChatChoice& choice);

  wire::ChatParser& parser;
  std::vector<Seen> seen;
  std::string citations_json;
};

}  // namespace clasp::translate

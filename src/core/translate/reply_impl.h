// The state of one reply, shared by the files that make up its machine: reply.cc (bytes to
// chunks), reply_content.cc (chunks to blocks), reply_end.cc (how it ends).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/translate/citations.h"
#include "core/translate/errors.h"
#include "core/translate/raw_string.h"
#include "core/translate/reply.h"
#include "core/translate/seen_text.h"
#include "core/translate/slots.h"
#include "core/translate/stop.h"
#include "core/translate/summary_sink.h"
#include "core/translate/text_filter.h"
#include "core/translate/text_tools.h"
#include "core/wire/openai_chat.h"
#include "core/wire/sse.h"

namespace clasp::translate {

// What a stream showed of one choice.
struct Seen {
  std::int64_t choice = 0;
  SeenText text, thinking, refusal;  // raw, as they came
  bool details = false, annotations = false, images = false;
};

struct Reply::Impl {
  Impl(ReplyContext reply_context, wire::ChatParser& chat, wire::EventSink& event_sink,
       Random& random_source)
      : context(std::move(reply_context)),
        parser(chat),
        sink(context.compaction ? summary.emplace(event_sink) : event_sink),
        random(random_source),
        queue(context, sink, random),
        filter(context.dialect->think_tags, context.prefill, context.local_stops) {
    if (context.dialect->parse_text_tools && !context.tools.empty()) text_tools.emplace(context);
  }

  void open();
  void fail(wire::ApiError error);
  void note(std::string_view text);
  void on_event(const wire::SseEvent& event);
  void on_chunk(const wire::ChatChunk& chunk, std::string_view whole);
  void on_error(std::string_view json);
  void on_choice(const wire::ChatChoice& choice, const wire::ChatChunk& chunk);
  Seen& seen_of(std::int64_t choice);
  bool on_reasoning(const wire::ChatChoice& choice, const wire::ChatChunk& chunk, Seen& seen);
  void on_content(const wire::ChatChoice& choice, const wire::ChatChunk& chunk, Seen& seen);
  void on_whole(const wire::ChatChoice& choice, const wire::ChatChunk& chunk, Seen& seen);
  std::string_view unseen(SeenText& pieces, std::string_view whole);
  void on_image();
  void on_annotations(const wire::ChatChoice& choice, const wire::ChatChunk& chunk);
  void on_refusal(std::string_view raw);
  void on_tools(const wire::ChatChoice& choice, const wire::ChatChunk& chunk);
  void on_finish(const wire::ChatChoice& choice);
  void on_text(std::string_view raw);
  void on_thinking(std::string_view raw);
  void on_cited_text(std::string_view raw, const std::vector<wire::ChatAnnotation>& annotations);
  void emit(const TextFilter::Output& out);
  void show_text(std::string_view raw);
  void flush_fenced();
  void show_items(const std::vector<TextTools::Item>& items);
  void flush_text();
  void flush();
  void end(bool by_done);
  void end_normally();
  void parse_document(std::string& body);
  void judge(char first);
  void collect(std::string_view bytes);
  void feed_sse(std::string_view bytes);
  wire::MessageUsage wire_usage() const;
  void send_end(std::string_view reason, const Conclusion* conclusion);
  void collect_states();
  std::string_view end_summary(std::string_view reason);

  ReplyContext context;
  wire::ChatParser& parser;
  std::optional<SummarySink> summary;  // the reply is a summary
  wire::EventSink& sink;
  Random& random;
  BlockQueue queue;
  TextFilter filter;
  std::optional<TextTools> text_tools;  // calls in the text, where that is switched on
  wire::SseParser sse;
  RawJoiner text_joiner, thinking_joiner;
  std::string scratch;
  std::string document;  // a stream that turned out to be one JSON document
  std::string fenced;    // text that may have a Markdown fence around it
  State state = State::running;
  wire::ApiError error;
  bool opened = false;
  bool in_document = false;  // the chunk is a whole answer
  bool collecting = false;   // bytes go to `document`
  bool judged = false;       // whether it is SSE at all
  bool tags_seen = false;    // thinking that was marked in the text
  std::vector<Seen> seen;
  int bad_chunks = 0;
  Finish finish = Finish::none;
  bool finish_seen = false;
  std::string matched_stop;  // the stop sequence the backend met
  bool native_stop = false;
  bool refused = false;
  std::string refusal;     // raw, clean
  std::string error_json;  // the backend's own error
  wire::ChatUsage report;
  Usage usage;
  std::string service_tier = "standard";
  std::string stop_reason;
  std::string upstream_id;
  std::string citations_json;
  std::int64_t text_calls = 0;
  WebSources sources;
  CallStates call_states;
  std::vector<std::string> notes;
};

// A failure of the backend that another try may heal.
inline wire::ApiError bad_gateway(std::string message) {
  wire::ApiError error = wire::make_error(wire::ErrorType::api, std::move(message));
  error.status = 502;
  error.should_retry = true;
  return error;
}

}  // namespace clasp::translate

// What the replies of every OpenAI API share: from bytes to events or to a whole document, text and
// thinking on their way into blocks, and how a reply ends. What an event means is for the machine
// of each API to say, which derives from this (reply_impl.h, responses_impl.h). Private to this
// room. Parts: reply_core.cc (bytes), reply_text.cc (content), reply_end.cc (the end).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/translate/citations.h"
#include "core/translate/errors.h"
#include "core/translate/raw_string.h"
#include "core/translate/reply_base.h"
#include "core/translate/slots.h"
#include "core/translate/stop.h"
#include "core/translate/summary_sink.h"
#include "core/translate/text_filter.h"
#include "core/translate/text_tools.h"
#include "core/wire/openai_chat.h"
#include "core/wire/sse.h"

namespace clasp::translate {

struct ReplyCore {
  using State = Converter::State;

  ReplyCore(ReplyContext reply_context, wire::EventSink& event_sink, Random& random_source);
  virtual ~ReplyCore() = default;
  ReplyCore(const ReplyCore&) = delete;
  ReplyCore& operator=(const ReplyCore&) = delete;

  // One event's data, or a whole document. False: that is no JSON object.
  virtual bool read_event(std::string_view data, std::size_t slack, std::string_view name) = 0;
  virtual bool read_document(std::string_view text, std::size_t slack) = 0;
  // The backend has ended the reply: what was held back comes now.
  virtual void before_end() {}
  // All text is in the queue.
  virtual void after_text() {}
  // Fills call_states.
  virtual void collect_states() = 0;

  void open();
  void fail(wire::ApiError error);
  void note(std::string_view text);
  void on_event(const wire::SseEvent& event);
  void on_error(std::string_view json);
  void on_image();
  void on_refusal(std::string_view raw);
  void on_text(std::string_view raw);
  void on_thinking(std::string_view raw);
  void on_cited_text(std::string_view raw, const std::vector<wire::ChatAnnotation>& annotations);
  void cite(const std::vector<wire::ChatAnnotation>& annotations);
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
  State feed_stream(std::string_view bytes);
  State finish_stream();
  Usage make_usage(std::size_t output_bytes) const;
  wire::MessageUsage wire_usage() const;
  std::string_view choose_reason();
  void send_end(std::string_view reason, const Conclusion* conclusion);
  std::string_view end_summary(std::string_view reason);

  ReplyContext context;
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
  bool in_document = false;  // what is read is a whole answer
  bool collecting = false;   // bytes go to `document`
  bool judged = false;       // whether it is SSE at all
  bool tags_seen = false;    // thinking that was marked in the text
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
  std::int64_t text_calls = 0;
  WebSources sources;
  Converter::CallStates call_states;
  std::vector<std::string> notes;
};

// A failure of the backend that another try may heal.
inline wire::ApiError bad_gateway(std::string message) {
  wire::ApiError error = wire::make_error(wire::ErrorType::api, std::move(message));
  error.status = 502;
  error.should_retry = true;
  return error;
}

// Clients know three tiers; every other name means that nothing was paid for speed.
inline std::string_view translate_service_tier(std::string_view tier) {
  return tier == "priority" || tier == "fast" ? "priority" : "standard";
}

// `error` members that mean "no error".
inline bool is_real_error(std::string_view json) {
  return !json.empty() && json != "{}" && json != "\"\"" && json != "false" && json != "[]" &&
         json != "0";
}

}  // namespace clasp::translate

// One event of a Responses stream, or a whole Response, as a flat index over the backend's bytes.
// It finds the members that the translation needs and judges none of them; everything else, such
// as the request that a Response repeats, is skipped.
//
// Naming and life of the views are those of openai_chat.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/wire/openai_chat.h"

namespace clasp::wire {

enum class ResponsesEventType {
  other,  // liveness, or nothing that matters
  text_delta,
  text_done,
  refusal_delta,
  refusal_done,
  summary_part,  // one was added
  summary_delta,
  summary_done,
  reasoning_delta,
  reasoning_done,
  arguments_delta,
  arguments_done,
  input_delta,  // of a custom tool
  input_done,
  part_done,
  summary_part_done,
  annotation,
  item_added,
  item_done,
  response,  // created, in_progress, queued: a Response that is under way
  completed,
  incomplete,
  failed,
  cancelled,
  error,
};

enum class ResponsesItemType {
  unknown,
  reasoning,
  message,
  function_call,
  custom_tool_call,
  web_search_call,
  mcp_call,
  mcp_list_tools,
  mcp_approval_request,
  image_generation_call,
  compaction,
  unasked,  // a known one that no request of ours can bring about
};

struct ResponsesSource {
  RawField url, title;
};

// A content part of a message, or a part of a reasoning item.
struct ResponsesPart {
  RawField type;
  RawField text;  // or the refusal's
  ChatRange annotations;
  bool refusal = false;
};

struct ResponsesItem {
  ResponsesItemType type = ResponsesItemType::unknown;
  RawField id, status, phase;
  ChatRange content, summary;  // parts
  RawField encrypted_content;
  RawField call_id, name;
  RawField arguments;               // a string
  std::string_view arguments_json;  // anything else
  RawField input;
  // web_search_call
  RawField action;  // its type
  RawField query;   // else the first of its queries
  ChatRange sources;
  // mcp_*
  RawField server_label, output;
  std::string_view error_json;
};

struct ResponsesEvent {
  ResponsesEventType type = ResponsesEventType::other;
  bool typed = false;  // it names its type
  std::int64_t sequence = -1, output_index = -1, content_index = -1, summary_index = -1;
  RawField item_id;
  RawField delta;
  RawField text;                    // of a done event: text, refusal, arguments or input
  std::string_view arguments_json;  // arguments that are no string
  ResponsesPart part;
  bool has_item = false;
  ResponsesItem item;

  // Of the Response that the event carries, or that the document is.
  bool has_response = false;
  bool has_output = false;  // the member was there, maybe empty
  RawField id, status, service_tier, incomplete_reason;
  std::string_view error_json;
  ChatUsage usage;
  std::vector<ResponsesItem> output;

  // An error that is said at the top: a bare message, detail or code.
  bool bare_error = false;

  // What the ranges above refer to.
  std::vector<ResponsesPart> parts;
  std::vector<ChatAnnotation> annotations;
  std::vector<ResponsesSource> sources;
  void clear();
};

// Owns the JSON parser and its memory; one serves any number of streams in turn.
class ResponsesParser {
 public:
  ResponsesParser();
  ~ResponsesParser();
  ResponsesParser(const ResponsesParser&) = delete;
  ResponsesParser& operator=(const ResponsesParser&) = delete;

  // As ChatParser::parse(). `name` is the event's own where its data does not say its type.
  bool parse_event(std::string_view json, std::size_t slack, std::string_view name);
  // A whole Response.
  bool parse_response(std::string_view json, std::size_t slack);
  const ResponsesEvent& event() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clasp::wire

// Replies of the Responses API for tests and fuzzers: streams event by event, and made-up ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "byte_chooser.h"
#include "reply_kit.h"

namespace clasp::test {

inline translate::ReplyContext responses_context(std::string_view dialect_name = "openai") {
  translate::ReplyContext context = make_context(dialect_name);
  context.api = translate::Api::responses;
  context.replay = translate::ReasoningReplay::items;
  return context;
}

inline std::string ev(const std::string& type, const std::string& members = "") {
  return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" +
         (members.empty() ? "" : "," + members) + "}\n\n";
}
inline std::string at(int index, const std::string& id = "") {
  return "\"output_index\":" + std::to_string(index) +
         (id.empty() ? "" : ",\"item_id\":\"" + id + "\"");
}
inline std::string added(int index, const std::string& item) {
  return ev("response.output_item.added", at(index) + ",\"item\":{" + item + "}");
}
inline std::string item_done(int index, const std::string& item) {
  return ev("response.output_item.done", at(index) + ",\"item\":{" + item + "}");
}
inline std::string text_piece(int index, const std::string& raw, int part = 0) {
  return ev("response.output_text.delta", at(index) + ",\"content_index\":" + std::to_string(part) +
                                              ",\"delta\":\"" + raw + "\"");
}
inline std::string input_piece(int index, const std::string& raw) {
  return ev("response.function_call_arguments.delta", at(index) + ",\"delta\":\"" + raw + "\"");
}
inline std::string call_item(const std::string& id, const std::string& call_id,
                             const std::string& name, const std::string& arguments) {
  return "\"id\":\"" + id + "\",\"type\":\"function_call\",\"call_id\":\"" + call_id +
         "\",\"name\":\"" + name + "\",\"arguments\":\"" + arguments + "\"";
}
inline std::string message_item(const std::string& text) {
  return "\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"" + text + "\"}]";
}
inline std::string reasoning_item(const std::string& id, const std::string& encrypted,
                                  const std::vector<std::string>& summary) {
  std::string parts;
  for (const std::string& text : summary)
    parts += std::string(parts.empty() ? "" : ",") + "{\"type\":\"summary_text\",\"text\":\"" +
             text + "\"}";
  return "\"type\":\"reasoning\",\"id\":\"" + id + "\",\"encrypted_content\":\"" + encrypted +
         "\",\"summary\":[" + parts + "]";
}
constexpr const char* kSomeUsage =
    "\"usage\":{\"input_tokens\":10,\"input_tokens_details\":{\"cached_tokens\":4},"
    "\"output_tokens\":5,\"output_tokens_details\":{\"reasoning_tokens\":2},\"total_tokens\":15}";
// A Response; `members` go in front of its usage.
inline std::string response_json(const std::string& status, const std::string& output = "",
                                 const std::string& members = "") {
  return "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"" + status + "\",\"output\":[" +
         output + "]," + (members.empty() ? "" : members + ",") + kSomeUsage + "}";
}
inline std::string terminal(const std::string& status, const std::string& output = "",
                            const std::string& members = "") {
  return ev("response." + status, "\"response\":" + response_json(status, output, members));
}

// Turns bytes into a stream of events that are well formed each, in any order.
class ResponsesMaker : private ByteChooser {
 public:
  explicit ResponsesMaker(std::string_view bytes) : ByteChooser(bytes) {}

  std::string make() {
    std::string out;
    while (!bytes_.empty()) out += event();
    return out;
  }

 private:
  std::string text() {
    static constexpr const char* kTexts[] = {"Hi", " ", "\\n\\n",  "ST",      "OP",      "\\ud83d",
                                             "",   "é", "\\udc4b", "<think>", "\\u0000", "Hello"};
    return pick(kTexts);
  }
  std::string arguments() {
    static constexpr const char* kPieces[] = {
        "{",    "}",     "{\\\"a\\\":1}", "\\\"x\\\":", "1",  "",
        "null", "[1,2]", "\\n",           "\\\\d",      "{}", "{\\\"b\\\":\\\"q"};
    return pick(kPieces);
  }
  std::string id() {
    static constexpr const char* kIds[] = {"", "", "it_1", "it_2", "it_3"};
    return pick(kIds);
  }
  std::string where() {
    const std::size_t index = pick(5);
    const std::string name = id();
    std::string out = "\"item_id\":\"" + name + "\"";
    if (index < 4) out += ",\"output_index\":" + std::to_string(index);
    return out + ",\"content_index\":" + std::to_string(pick(3)) +
           ",\"summary_index\":" + std::to_string(pick(3)) + sequence();
  }
  std::string sequence() {
    return pick(3) == 0 ? ",\"sequence_number\":" + std::to_string(pick(6)) : std::string();
  }
  std::string part() {
    switch (pick(4)) {
      case 0:
        return "{\"type\":\"refusal\",\"refusal\":\"" + text() + "\"}";
      case 1:
        return "{\"type\":\"output_text\",\"text\":\"" + text() + "\",\"annotations\":[" +
               annotation() + "]}";
      case 2:
        return "{\"type\":\"reasoning_text\",\"text\":\"" + text() + "\"}";
      default:
        return "{\"type\":\"output_text\",\"text\":\"" + text() + text() + "\"}";
    }
  }
  std::string annotation() {
    return "{\"type\":\"url_citation\",\"url\":\"http://x/" + std::to_string(pick(3)) +
           "\",\"title\":\"T\",\"start_index\":0,\"end_index\":" + std::to_string(pick(4)) + "}";
  }
  std::string item() {
    static constexpr const char* kNames[] = {"read", "write", "", "bogus name"};
    static constexpr const char* kStatus[] = {"completed", "completed", "incomplete", "failed"};
    static constexpr const char* kPhases[] = {"commentary", "final_answer", ""};
    static constexpr const char* kOther[] = {"compaction", "image_generation_call", "new_thing",
                                             "mcp_list_tools", "shell_call"};
    const std::string head = "{\"id\":\"" + id() + "\",\"status\":\"" + pick(kStatus) + "\",";
    switch (pick(9)) {
      case 0:
      case 1:
        return head + "\"type\":\"message\",\"phase\":\"" + pick(kPhases) + "\",\"content\":[" +
               part() + "," + part() + "]}";
      case 2:
        return head + "\"type\":\"reasoning\",\"encrypted_content\":\"EC" + text() +
               "\",\"summary\":[" + part() + "],\"content\":[" + part() + "]}";
      case 3:
      case 4:
        return head + "\"type\":\"function_call\",\"call_id\":\"call_x" + std::to_string(pick(3)) +
               "\",\"name\":\"" + pick(kNames) + "\",\"arguments\":\"" + arguments() + arguments() +
               "\"}";
      case 5:
        return head + "\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"" + pick(kNames) +
               "\",\"input\":\"" + text() + "\"}";
      case 6:
        return head + "\"type\":\"web_search_call\",\"action\":{\"type\":\"search\",\"query\":\"" +
               text() + "\",\"sources\":[{\"type\":\"url\",\"url\":\"http://x/1\"}]}}";
      case 7:
        return head +
               "\"type\":\"mcp_call\",\"name\":\"n\",\"server_label\":\"s\",\"arguments\":\"" +
               arguments() + "\",\"output\":\"" + text() + "\"}";
      default:
        return head + "\"type\":\"" + pick(kOther) + "\",\"encrypted_content\":\"C\"}";
    }
  }
  std::string event() {
    static constexpr const char* kDeltas[] = {
        "response.output_text.delta",    "response.output_text.delta",
        "response.refusal.delta",        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta", "response.custom_tool_call_input.delta"};
    static constexpr const char* kDones[] = {"response.output_text.done",
                                             "response.reasoning_summary_text.done",
                                             "response.reasoning_text.done"};
    static constexpr const char* kEnds[] = {"completed", "completed", "completed", "incomplete",
                                            "failed"};
    static constexpr const char* kOther[] = {
        ": comment\n\n", "data: not json\n\n", "data: {\"type\":\"keepalive\"}\n\n",
        "data: [DONE]\n\n", "event: error\ndata: {\"message\":\"m\"}\n\n"};
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
        return ev(pick(kDeltas), where() + ",\"delta\":\"" + text() + "\"");
      case 3:
      case 4:
        return ev("response.function_call_arguments.delta",
                  where() + ",\"delta\":\"" + arguments() + "\"");
      case 5:
        return ev("response.function_call_arguments.done",
                  where() + ",\"arguments\":\"" + arguments() + "\"");
      case 6:
        return ev(pick(kDones), where() + ",\"text\":\"" + text() + "\"");
      case 7:
        return ev("response.content_part.done", where() + ",\"part\":" + part());
      case 8:
        return ev("response.output_text.annotation.added",
                  where() + ",\"annotation\":" + annotation());
      case 9:
      case 10:
        return ev("response.output_item.added", where() + ",\"item\":" + item());
      case 11:
      case 12:
        return ev("response.output_item.done", where() + ",\"item\":" + item());
      case 13:
        return ev("response.reasoning_summary_part.done",
                  where() + ",\"part\":{\"type\":\"summary_text\",\"text\":\"" + text() + "\"}");
      case 14: {
        if (pick(4) != 0) return ev("response.in_progress");
        const std::string status = pick(kEnds);
        const std::string output = pick(2) == 0 ? item() : item() + "," + item();
        switch (pick(4)) {
          case 0:
            return ev("response.done", "\"response\":" + response_json(status, output));
          case 1: {
            const std::string members = response_json(status, output);
            return ev("response." + status, members.substr(1, members.size() - 2));
          }
          default:
            return terminal(status, output);
        }
      }
      default:
        return pick(4) == 0 ? pick(kOther) : ev("response.queued");
    }
  }
};

}  // namespace clasp::test

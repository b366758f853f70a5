// The demo's side of a conversation: it repeats what it was told, calls a declared tool whose
// name is mentioned, and says in every answer that it is not a model.
#include "daemon/demo_reply.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "daemon/json_tree.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kQuoteLimit = 200;

std::string string_of(const json_t* value) {
  return json_is_string(value) ? std::string(json_string_value(value), json_string_length(value))
                               : std::string();
}

// The text of a message: a string, or the text parts of a list.
std::string text_of(const json_t* message) {
  const json_t* content = json_object_get(message, "content");
  if (json_is_string(content)) return string_of(content);
  std::string text;
  std::size_t i;
  json_t* part;
  json_array_foreach(content, i, part) {
    const std::string piece = string_of(json_object_get(part, "text"));
    if (!text.empty() && !piece.empty()) text.push_back('\n');
    text.append(piece);
  }
  return text;
}

std::string dump(const json_t* value) {
  std::unique_ptr<char, void (*)(void*)> text(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY),
                                              free);
  return text ? std::string(text.get()) : std::string("null");
}

bool is_word_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-';
}

bool mentions(std::string_view text, std::string_view name) {
  if (name.empty()) return false;
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_word_char(text[at - 1])) &&
        (end == text.size() || !is_word_char(text[end])))
      return true;
  }
  return false;
}

// The first text in double quotes, as a value for the tool's first string argument.
std::string quoted_part(std::string_view text) {
  const std::size_t open = text.find('"');
  if (open == std::string_view::npos) return {};
  const std::size_t close = text.find('"', open + 1);
  if (close == std::string_view::npos) return {};
  return std::string(text.substr(open + 1, close - open - 1));
}

json_t* sample_value(const json_t* schema, const std::string& text) {
  const json_t* choices = json_object_get(schema, "enum");
  if (json_array_size(choices) > 0) return json_incref(json_array_get(choices, 0));
  const std::string type = string_of(json_object_get(schema, "type"));
  if (type == "integer" || type == "number") return json_integer(1);
  if (type == "boolean") return json_true();
  if (type == "array") return json_array();
  if (type == "object") return json_object();
  return json_string(text.c_str());
}

// Every required property gets a value of its type, so that the call passes the tool's schema.
std::string sample_arguments(const json_t* parameters, std::string_view text) {
  JsonPtr out(json_object());
  std::string value = quoted_part(text);
  if (value.empty()) value = "demo";
  std::size_t i;
  json_t* name;
  json_array_foreach(json_object_get(parameters, "required"), i, name) {
    const json_t* schema =
        json_object_get(json_object_get(parameters, "properties"), json_string_value(name));
    json_object_set_new(out.get(), json_string_value(name), sample_value(schema, value));
  }
  return dump(out.get());
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find_first_of(" \n", start + 1);
    if (end == std::string_view::npos) end = text.size();
    words.emplace_back(text.substr(start, end - start));
    start = end;
  }
  return words;
}

std::string shorten(std::string_view text) {
  if (text.size() <= kQuoteLimit) return std::string(text);
  std::size_t end = kQuoteLimit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + " ...";
}

// A call that `text` asks for by name; the longest name wins ("Read" is part of "ReadFile").
void choose_tool(const json_t* root, std::string_view text, DemoReply& reply) {
  std::size_t i;
  json_t* tool;
  json_array_foreach(json_object_get(root, "tools"), i, tool) {
    const json_t* function = json_object_get(tool, "function");
    const std::string name = string_of(json_object_get(function, "name"));
    if (name.size() <= reply.tool_name.size() || !mentions(text, name)) continue;
    reply.tool_name = name;
    reply.tool_arguments = sample_arguments(json_object_get(function, "parameters"), text);
  }
}

std::string envelope(const DemoReply& reply, std::string_view object, std::string_view rest) {
  std::string out = R"({"id":"chatcmpl-demo","object":")";
  out.append(object).append(R"(","created":0,"model":)");
  append_json_string(out, reply.model);
  out.append(rest).append("}");
  return out;
}

int output_tokens(const DemoReply& reply) {
  return static_cast<int>(reply.words.size() + reply.tool_arguments.size() / 4);
}

std::string usage(const DemoReply& reply) {
  const int out = output_tokens(reply);
  return R"({"prompt_tokens":)" + std::to_string(reply.prompt_tokens) + R"(,"completion_tokens":)" +
         std::to_string(out) + R"(,"total_tokens":)" + std::to_string(reply.prompt_tokens + out) +
         "}";
}

std::string tool_call(const DemoReply& reply) {
  std::string out = R"({"index":0,"id":"call_demo1","type":"function","function":{"name":)";
  append_json_string(out, reply.tool_name);
  out.append(R"(,"arguments":)");
  append_json_string(out, reply.tool_arguments);
  out.append("}}");
  return out;
}

std::string_view finish_reason(const DemoReply& reply) {
  return reply.tool_name.empty() ? "stop" : "tool_calls";
}

std::string chunk(const DemoReply& reply, std::string_view delta, std::string_view finish) {
  std::string rest = R"(,"choices":[{"index":0,"delta":)";
  rest.append(delta).append(R"(,"finish_reason":)");
  if (finish.empty()) {
    rest.append("null");
  } else {
    append_json_string(rest, finish);
  }
  rest.append("}]");
  return "data: " + envelope(reply, "chat.completion.chunk", rest) + "\n\n";
}

}  // namespace

DemoReply make_demo_reply(std::string_view request) {
  DemoReply reply;
  JsonPtr root(json_loadb(request.data(), request.size(), JSON_ALLOW_NUL, nullptr));
  const json_t* messages = json_object_get(root.get(), "messages");
  if (json_array_size(messages) == 0) {
    reply.error = "the demo backend got a request without messages";
    return reply;
  }
  reply.stream = json_is_true(json_object_get(root.get(), "stream"));
  reply.model = string_of(json_object_get(root.get(), "model"));
  reply.prompt_tokens = static_cast<int>(std::min<std::size_t>(request.size() / 4 + 1, 1'000'000));
  const json_t* last = json_array_get(messages, json_array_size(messages) - 1);
  const std::string text = text_of(last);
  std::string said;
  if (string_of(json_object_get(last, "role")) == "tool") {
    said = "This is CLASP's demo backend, not a model. The tool answered: " + shorten(text);
  } else {
    choose_tool(root.get(), text, reply);
    said = reply.tool_name.empty()
               ? "This is CLASP's demo backend, not a model. You said: " + shorten(text)
               : "This is CLASP's demo backend, not a model. It calls " + reply.tool_name +
                     " because you named it.";
  }
  reply.words = split_words(said);
  return reply;
}

std::string render_demo_document(const DemoReply& reply) {
  std::string text;
  for (const std::string& word : reply.words) text.append(word);
  std::string rest = R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)";
  append_json_string(rest, text);
  if (!reply.tool_name.empty())
    rest.append(R"(,"tool_calls":[)").append(tool_call(reply)).append("]");
  rest.append(R"(},"finish_reason":")").append(finish_reason(reply)).append(R"("}],"usage":)");
  rest.append(usage(reply));
  return envelope(reply, "chat.completion", rest);
}

std::vector<std::string> render_demo_chunks(const DemoReply& reply) {
  std::vector<std::string> chunks;
  chunks.push_back(chunk(reply, R"({"role":"assistant","content":""})", ""));
  for (const std::string& word : reply.words) {
    std::string delta = R"({"content":)";
    append_json_string(delta, word);
    chunks.push_back(chunk(reply, delta + "}", ""));
  }
  if (!reply.tool_name.empty())
    chunks.push_back(chunk(reply, R"({"tool_calls":[)" + tool_call(reply) + "]}", ""));
  chunks.push_back(chunk(reply, "{}", finish_reason(reply)));
  chunks.push_back(
      "data: " +
      envelope(reply, "chat.completion.chunk", R"(,"choices":[],"usage":)" + usage(reply)) +
      "\n\n");
  chunks.push_back("data: [DONE]\n\n");
  return chunks;
}

}  // namespace clasp::daemon

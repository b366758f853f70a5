// What the demo backend says: a deterministic answer to a Chat Completions request, made without
// any model. Pure; the timing is demo_backend's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clasp::daemon {

// One answer: words to say, then perhaps one tool call.
struct DemoReply {
  bool stream = false;
  std::string model;
  std::vector<std::string> words;  // with their leading spaces
  std::string tool_name;           // empty: no call
  std::string tool_arguments;      // JSON object
  int prompt_tokens = 0;
  std::string error;  // not empty: the request makes no sense, answer 400
};

// `request` is the body of a POST /chat/completions.
DemoReply make_demo_reply(std::string_view request);

// The answer as one JSON document, and as the pieces of an SSE body in order.
std::string render_demo_document(const DemoReply& reply);
std::vector<std::string> render_demo_chunks(const DemoReply& reply);

}  // namespace clasp::daemon

// A client's body from arbitrary bytes on its way to a backend that speaks the Messages API: what
// is accepted stays valid JSON, has the model's name and nothing of ours in it, and needs no second
// treatment. The same bytes as a backend's stream: never more comes out than went in, and an end
// only where one was.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "core/translate/relay.h"
#include "core/translate/relay_request.h"
#include "core/wire/json_reader.h"

using namespace clasp;

namespace {

constexpr std::string_view kModel = "claude \"x\"";

void require(bool holds) {
  if (!holds) std::abort();
}

void check_request(std::string_view body) {
  const auto result = translate::relay_request(body, kModel);
  if (!result) {
    require(result.error().status == 400 && !result.error().message.empty());
    return;
  }
  const bool clean = is_valid_utf8(body);
  if (clean) require(wire::is_valid_json(result->body));
  const auto model = wire::json_member(result->body, "model");
  if (clean && model && model->front() == '"')
    require(decode_json_string(model->substr(1, model->size() - 2)) == kModel);
  const auto again = translate::relay_request(result->body, kModel);
  require(again && again->body == result->body && !again->thinking_disabled);
}

void check_stream(std::string_view bytes, std::size_t step) {
  using State = translate::Converter::State;
  std::string out;
  translate::Relay relay({}, out);
  for (std::size_t at = 0; at < bytes.size() && relay.state() == State::running; at += step)
    relay.feed_stream(bytes.substr(at, step));
  if (relay.state() == State::running) relay.finish_stream();
  require(relay.state() != State::running);
  require(out.size() <= bytes.size() + 2);
  if (relay.state() == State::done) require(bytes.find("message_stop") != std::string_view::npos);
  if (relay.state() == State::failed) require(!relay.error().message.empty());
}

}  // namespace

// First byte: the size of the pieces in which a stream comes. The rest: a body, and a stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_request(body);
  check_stream(body, std::max<std::size_t>(1, data[0]));
  return 0;
}

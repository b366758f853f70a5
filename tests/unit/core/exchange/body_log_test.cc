#include "core/exchange/body_log.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/text.h"

using namespace clasp;
using exchange::BodyLog;
using exchange::render_body;

namespace {

struct Sink final : exchange::RecordSink {
  void on_record(const exchange::Record&) override {}
  bool wants_bodies(bool request) const override { return request ? requests : responses; }
  std::size_t body_bytes() const override { return limit; }
  void on_body(std::string_view id, std::string_view what, std::string_view text) override {
    lines.push_back(std::string(id) + " " + std::string(what) + ": " + std::string(text));
  }
  bool requests = true, responses = true;
  std::size_t limit = 1000;
  std::vector<std::string> lines;
};

std::string render(std::string_view text, std::size_t limit = 1000) {
  return render_body(text, text.size(), limit, {});
}

}  // namespace

TEST_CASE("bodies in the log: one line, whatever they hold") {
  CHECK(render("event: ping\ndata: {\"a\":\"\\n\"}\r\n\n") ==
        "event: ping\\ndata: {\"a\":\"\\n\"}\\r\\n\\n");
  CHECK(render("\x1b]0;x\x07\xFF") == "\\u001b]0;x\\u0007\uFFFD");
}

TEST_CASE("bodies in the log: data of pictures and files is shortened") {
  const std::string data(5000, 'A');
  CHECK(render("{\"data\":\"" + data + "==\",\"text\":\"after\"}") ==
        "{\"data\":\"" + data.substr(0, 8) + "...(5002 bytes of data)\",\"text\":\"after\"}");
  const std::string word(512, 'w');
  CHECK(render(word) == word);
  // However much data stands in front of it, what follows is shown.
  const std::string large(3'000'000, 'B');
  CHECK(render(large + " end").ends_with("(3000000 bytes of data) end"));
}

TEST_CASE("bodies in the log: cut at the limit, between characters, and it is said") {
  std::string text;
  for (int i = 0; i < 2000; ++i) text.append("ä ");
  for (std::size_t limit = 300; limit < 304; ++limit) {
    const std::string shown = render(text, limit);
    CHECK(is_valid_utf8(shown));
    CHECK(shown.size() < limit + 20);
    CHECK(shown.ends_with("...(6000 bytes)"));
  }
  CHECK(render_body("begin", 77, 1000, {}) == "begin...(77 bytes)");
  // Also where what was shortened before it leaves less than that.
  for (std::size_t blanks = 0; blanks < 3; ++blanks) {
    std::string data = std::string(1500, 'A') + std::string(blanks, ' ');
    while (data.size() < 2024) data.append("ä");
    const std::string shown = render_body(data.substr(0, 2024), 9000, 1000, {});
    CHECK(shown.find("\uFFFD") == std::string::npos);
  }
}

TEST_CASE("bodies in the log: secrets are masked, also where the text is cut") {
  KnownSecrets known;
  known.add("my-own-words");
  const std::string text = R"({"a":"sk-0123456789abcdef","b":"my-own-words","c":"http://u:p@h/"})";
  CHECK(render_body(text, text.size(), 1000, known) ==
        R"({"a":"sk-***","b":"***","c":"http://***@h/"})");
  for (std::size_t limit = 280; limit < 330; ++limit) {
    const std::string shown = render_body(
        std::string(270, ' ') + "a sk-0123456789abcdef my-own-words", 400, limit, known);
    CHECK(shown.find("0123") == std::string::npos);
    CHECK(shown.find("my-") == std::string::npos);
  }
}

TEST_CASE("bodies in the log: no half of a secret at the end, whatever was shortened before it") {
  Sink sink;
  KnownSecrets known;
  known.add("Qz7Kp2Wm9Xr4Tn6Bv8Lc1Yd3");
  for (std::size_t at = 1900; at < 2050; at += 3) {
    // What is gathered of a stream ends at the limit and a margin.
    const auto log = BodyLog::make(sink, known, "req_1");
    log->backend_answer(std::string(1500, 'A') + std::string(at - 1500, ' '));
    log->backend_answer("Qz7Kp2Wm9Xr4Tn6Bv8Lc1Yd3" + std::string(3000, ' '));
    log->end();
    CHECK(sink.lines.back().find("Qz7Kp") == std::string::npos);
  }
  // So does what is looked at of a whole body, and masking makes it shorter.
  KnownSecrets words;
  words.add("my own quite long secret of many words");
  for (std::size_t gap = 0; gap < 40; ++gap) {
    std::string text(gap, ' ');
    for (int i = 0; i < 200; ++i) text.append("my own quite long secret of many words");
    CHECK(render_body(text, text.size(), 1000, words).find("my own") == std::string::npos);
  }
}

TEST_CASE("bodies in the log: a stream is one entry, each attempt has its own") {
  Sink sink;
  const KnownSecrets known;
  const auto log = BodyLog::make(sink, known, "req_1");
  log->client_request("{}");
  log->backend_request("{1}");
  log->backend_answer("refused");
  log->end_backend_answer();
  log->end_backend_answer();
  log->backend_request("{2}");
  log->backend_answer("data: a\n\n");
  log->client_answer("event: a\n\n");
  log->backend_answer("data: b\n\n");
  log->client_answer("event: b\n\n");
  log->end();
  log->end();
  const std::vector<std::string> wanted{"req_1 client request: {}",
                                        "req_1 backend request: {1}",
                                        "req_1 backend answer: refused",
                                        "req_1 backend request: {2}",
                                        "req_1 backend answer: data: a\\n\\ndata: b\\n\\n",
                                        "req_1 client answer: event: a\\n\\nevent: b\\n\\n"};
  CHECK(sink.lines == wanted);
}

TEST_CASE("bodies in the log: only what was asked for when the exchange began; memory is bounded") {
  Sink sink;
  const KnownSecrets known;
  sink.requests = sink.responses = false;
  CHECK(BodyLog::make(sink, known, "req_1") == nullptr);
  sink.responses = true;
  const auto log = BodyLog::make(sink, known, "req_1");
  sink.requests = true;
  sink.responses = false;
  log->client_request("{}");
  log->backend_request("{}");
  const std::string part(100, '.');
  for (int i = 0; i < 10'000; ++i) log->client_answer(part);
  log->end();
  REQUIRE(sink.lines.size() == 1);
  CHECK(sink.lines[0].size() < 1100);
  CHECK(sink.lines[0].ends_with("...(1000000 bytes)"));
}

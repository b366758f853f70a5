// Scanner and parser of a request head. See the header; the refusals are the point of this file.
#include "core/wire/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace clasp::wire {
namespace {

using Refusal = std::optional<RequestRefusal>;

// Character classes as bits of one table.
enum CharClass : std::uint8_t { kToken = 1, kPath = 2, kQuery = 4, kHost = 8, kValue = 16 };

constexpr bool is_alnum(int c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&](std::string_view chars, int bits) {
    for (const char c : chars) table[static_cast<unsigned char>(c)] |= bits;
  };
  for (int c = 0; c < 256; ++c) {
    if (is_alnum(c)) table[c] |= kToken | kPath | kQuery | kHost;
    if (c > 0x20 && c < 0x7f && c != '#') table[c] |= kQuery;
    if ((c >= 0x20 && c != 0x7f) || c == '\t') table[c] |= kValue;
  }
  mark("!#$%&'*+-.^_`|~", kToken);
  mark("/-._~!$&'()*+,;=:@%", kPath);
  mark("-._~!$&'()*+,;=%:[]", kHost);
  return table;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

bool is_all(std::string_view text, CharClass wanted) {
  return std::all_of(text.begin(), text.end(), [wanted](char c) {
    return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
  });
}

std::string_view trim_blanks(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// Methods that exist for requests like ours; which of them a path takes is not known here.
constexpr std::string_view kMethods[] = {"GET",    "POST",  "HEAD",   "PUT",
                                         "DELETE", "PATCH", "OPTIONS"};

// "/v1/messages?beta=true" of the request line. Absolute and asterisk forms are for proxies.
Refusal parse_target(std::string_view target, const HeadLimits& limits, HttpRequestHead& out) {
  if (target.size() > limits.target) return RequestRefusal{414, "the request target is too long"};
  if (!target.starts_with('/')) return RequestRefusal{400, "the request target must be a path"};
  const std::size_t mark = target.find('?');
  out.path = target.substr(0, mark);
  out.query = mark == target.npos ? std::string_view() : target.substr(mark + 1);
  if (!is_all(out.path, kPath) || !is_all(out.query, kQuery))
    return RequestRefusal{400, "the request target has a character that must be escaped"};
  return std::nullopt;
}

// Exactly "HTTP/1.0" or "HTTP/1.1"; other well-formed versions are told apart for the status.
Refusal parse_version(std::string_view version, HttpRequestHead& out) {
  const auto digit = [&](std::size_t i) { return version[i] >= '0' && version[i] <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(5) || version[6] != '.' ||
      !digit(7))
    return RequestRefusal{400, "the request line is not HTTP/1.1"};
  if (version[5] != '1' || version[7] > '1')
    return RequestRefusal{505, "this server speaks HTTP/1.1 and HTTP/1.0"};
  out.minor_version = version[7] - '0';
  return std::nullopt;
}

Refusal parse_request_line(std::string_view line, const HeadLimits& limits, HttpRequestHead& out) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  const std::string_view method = line.substr(0, first);
  if (method.empty() || !is_all(method, kToken))
    return RequestRefusal{400, "the request line does not start with a method"};
  if (first == line.npos || first == last)
    return RequestRefusal{400, "the request line is not HTTP/1.1"};
  if (const Refusal bad = parse_version(line.substr(last + 1), out)) return bad;
  out.method = method;
  if (std::find(std::begin(kMethods), std::end(kMethods), method) == std::end(kMethods))
    return RequestRefusal{501, "the method is not implemented"};
  return parse_target(line.substr(first + 1, last - first - 1), limits, out);
}

// What the fields about framing and connection said, gathered while the lines go by.
struct FieldFacts {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  bool close = false;
  bool keep_alive = false;
};

Refusal on_content_length(std::string_view raw, HttpRequestHead& out, FieldFacts& facts) {
  if (++facts.lengths > 1) return RequestRefusal{400, "more than one Content-Length"};
  const std::string_view value = raw.substr(raw.starts_with(' ') ? 1 : 0);
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), out.content_length);
  const bool digits = !value.empty() && value.front() >= '0' && value.front() <= '9';
  if (!digits || error != std::errc() || end != value.data() + value.size())
    return RequestRefusal{400, "Content-Length is not a number"};
  out.framing = out.content_length > 0 ? BodyFraming::length : BodyFraming::none;
  return std::nullopt;
}

// Only the one spelling that everybody understands; anything else could be skipped by one program
// on the way and honoured by the next.
Refusal on_transfer_encoding(std::string_view raw, HttpRequestHead& out, FieldFacts& facts) {
  if (++facts.codings > 1) return RequestRefusal{400, "more than one Transfer-Encoding"};
  if (raw != " chunked" && raw != "chunked")
    return RequestRefusal{501, "Transfer-Encoding must be chunked, in lower case and alone"};
  out.framing = BodyFraming::chunked;
  return std::nullopt;
}

Refusal on_host(std::string_view raw, HttpRequestHead&, FieldFacts& facts) {
  if (++facts.hosts > 1) return RequestRefusal{400, "more than one Host"};
  if (!is_all(trim_blanks(raw), kHost)) return RequestRefusal{400, "Host is not a host name"};
  return std::nullopt;
}

Refusal on_connection(std::string_view raw, HttpRequestHead&, FieldFacts& facts) {
  while (!raw.empty()) {
    const std::size_t comma = std::min(raw.find(','), raw.size());
    const std::string_view token = trim_blanks(raw.substr(0, comma));
    facts.close |= iequals(token, "close");
    facts.keep_alive |= iequals(token, "keep-alive");
    raw.remove_prefix(std::min(comma + 1, raw.size()));
  }
  return std::nullopt;
}

Refusal on_expect(std::string_view raw, HttpRequestHead& out, FieldFacts&) {
  if (!iequals(trim_blanks(raw), "100-continue"))
    return RequestRefusal{417, "the only expectation this server knows is 100-continue"};
  out.expect_continue = out.minor_version > 0;
  return std::nullopt;
}

Refusal on_content_encoding(std::string_view raw, HttpRequestHead& out, FieldFacts&) {
  const std::string_view value = trim_blanks(raw);
  if (value.empty() || iequals(value, "identity")) return std::nullopt;
  if ((!iequals(value, "gzip") && !iequals(value, "x-gzip")) || out.coding == BodyCoding::gzip)
    return RequestRefusal{400, "Content-Encoding must be gzip or identity"};
  out.coding = BodyCoding::gzip;
  return std::nullopt;
}

struct FieldRule {
  std::string_view name;
  Refusal (*apply)(std::string_view raw, HttpRequestHead& out, FieldFacts& facts);
};
constexpr FieldRule kFieldRules[] = {
    {"host", on_host},
    {"expect", on_expect},
    {"connection", on_connection},
    {"content-length", on_content_length},
    {"content-encoding", on_content_encoding},
    {"transfer-encoding", on_transfer_encoding},
};

// One "Name: value" line without its line end.
Refusal parse_field(std::string_view line, HttpRequestHead& out, FieldFacts& facts) {
  if (line.front() == ' ' || line.front() == '\t')
    return RequestRefusal{400, "a header field may not continue on the next line"};
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == line.npos || name.empty() || !is_all(name, kToken))
    return RequestRefusal{400, "a header field has no valid name"};
  const std::string_view raw = line.substr(colon + 1);
  if (!is_all(raw, kValue)) return RequestRefusal{400, "a header field has a control character"};
  for (const FieldRule& rule : kFieldRules)
    if (rule.name.size() == name.size() && iequals(rule.name, name))
      if (const Refusal bad = rule.apply(raw, out, facts)) return bad;
  out.fields.emplace_back(name, trim_blanks(raw));
  return std::nullopt;
}

// What no single field shows.
Refusal check_together(HttpRequestHead& out, const FieldFacts& facts) {
  if (facts.codings > 0 && facts.lengths > 0)
    return RequestRefusal{400, "Content-Length and Transfer-Encoding exclude each other"};
  if (facts.codings > 0 && out.minor_version == 0)
    return RequestRefusal{400, "HTTP/1.0 has no Transfer-Encoding"};
  if (facts.hosts == 0 && out.minor_version > 0)
    return RequestRefusal{400, "the Host header is missing"};
  out.keep_alive = !facts.close && (out.minor_version > 0 || facts.keep_alive);
  return std::nullopt;
}

// Takes one line off the front; its CRLF was checked by the scanner, but a caller may not have one.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

}  // namespace

HeadScanner::State HeadScanner::refuse(int status, std::string_view message) {
  refusal_ = {status, message};
  return State::refused;
}

// `line` ends with its line feed.
HeadScanner::State HeadScanner::end_line(std::string_view line) {
  if (line.size() < 2 || line[line.size() - 2] != '\r')
    return refuse(400, "a line must end with CR LF");
  scanned_ += line.size();
  const std::string_view text = line.substr(0, line.size() - 2);
  const bool request_line = lines_ == 0;
  if (text.empty()) {
    if (!request_line) return State::complete;
    begin_ = scanned_;  // blank lines before a request, as some clients send after a body
    return scanned_ > limits_.bytes ? refuse(400, "no request line") : State::incomplete;
  }
  if (request_line) {
    HttpRequestHead ignored;
    if (const Refusal bad = parse_request_line(text, limits_, ignored)) {
      refusal_ = *bad;
      return State::refused;
    }
  }
  if (++lines_ > limits_.fields + 1) return refuse(431, "too many header fields");
  return State::incomplete;
}

// What shows before the request line is complete: it is not HTTP at all (a TLS handshake), or too
// long. Asked of complete lines too, so that the answer does not depend on how they were cut.
HeadScanner::State HeadScanner::check_first_line(std::string_view line) {
  // Method, version and blanks beside the target.
  constexpr std::size_t kBesideTarget = 64;
  if (line.empty()) return State::incomplete;
  if (line.front() != '\r' && !is_all(line.substr(0, 1), kToken))
    return refuse(400, "this is not HTTP; a server without TLS is listening here");
  if (line.size() > limits_.target + kBesideTarget)
    return refuse(414, "the request target is too long");
  return State::incomplete;
}

HeadScanner::State HeadScanner::scan(std::string_view bytes) {
  while (true) {
    const std::size_t feed = bytes.find('\n', scanned_);
    const std::size_t end = feed == bytes.npos ? bytes.size() : feed + 1;
    const std::string_view line = bytes.substr(line_, end - line_);
    State state = State::incomplete;
    if (lines_ == 0)
      state = check_first_line(line);
    else if (end - begin_ > limits_.bytes)
      state = refuse(431, "the request head is too large");
    if (state == State::incomplete && feed != bytes.npos) {
      scanned_ = line_;
      state = end_line(line);
    }
    if (state != State::incomplete) return state;
    if (feed == bytes.npos) break;
    line_ = scanned_;
  }
  scanned_ = bytes.size();
  return State::incomplete;
}

std::optional<RequestRefusal> parse_request_head(std::string_view head, const HeadLimits& limits,
                                                 HttpRequestHead& out) {
  // Keeps the capacity of the list.
  out.fields.clear();
  auto fields = std::move(out.fields);
  out = HttpRequestHead{};
  out.fields = std::move(fields);

  const RequestRefusal broken{400, "a line must end with CR LF"};
  auto line = take_line(head);
  if (!line) return broken;
  if (const Refusal bad = parse_request_line(*line, limits, out)) return bad;
  FieldFacts facts;
  while ((line = take_line(head)) && !line->empty()) {
    if (out.fields.size() >= limits.fields) return RequestRefusal{431, "too many header fields"};
    if (const Refusal bad = parse_field(*line, out, facts)) return bad;
  }
  if (!line || !head.empty()) return broken;
  return check_together(out, facts);
}

}  // namespace clasp::wire

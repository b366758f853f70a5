// The backend of the benchmark: a look-alike of Chat Completions and Responses that answers as
// cheaply as it can from prepared bytes. The name of the model in the request selects the answer
// (see kModes). It checks nothing about the request, so it must never serve as a test of
// correctness.
//
//   mock-backend --port N
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net.h"

namespace clasp::bench {
namespace {

constexpr int kEvents = 200;  // of one stream, without the usage event and [DONE]
constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::size_t kMaxRequest = 64u << 20;

enum class Mode { plain, burst, paced, hold, responses };
constexpr std::pair<std::string_view, Mode> kModes[] = {
    {"bench-small", Mode::plain},          // ~1 KB of JSON
    {"bench-burst", Mode::burst},          // all events in one write
    {"bench-paced", Mode::paced},          // one event each kPaceNs
    {"bench-hold", Mode::hold},            // two events, then silence until the peer closes
    {"bench-responses", Mode::responses},  // the burst as a Responses stream
};
constexpr std::int64_t kPaceNs = 2'000'000;

// ---- prepared answers ------------------------------------------------------------------------
std::string event_json(std::string_view choices, std::string_view usage) {
  return "{\"id\":\"chatcmpl-Bench0123456789abcdefghij\",\"object\":\"chat.completion.chunk\","
         "\"created\":1750000000,\"model\":\"bench-model\",\"service_tier\":\"default\","
         "\"system_fingerprint\":\"fp_0123456789\",\"choices\":[" +
         std::string(choices) + "],\"usage\":" + std::string(usage) + "}";
}

// One SSE event as one HTTP chunk, the way model servers flush them.
std::string framed(const std::string& json) {
  const std::string event = "data: " + json + "\n\n";
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", event.size());
  return size + event + "\r\n";
}

// The same for the Responses API, whose events have a name.
std::string framed_event(const std::string& type, int number, const std::string& members) {
  const std::string event = "event: " + type + "\ndata: {\"type\":\"" + type +
                            "\",\"sequence_number\":" + std::to_string(number) + "," + members +
                            "}\n\n";
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", event.size());
  return size + event + "\r\n";
}

std::string response_json(const std::string& status, const std::string& output,
                          const std::string& usage) {
  return "\"response\":{\"id\":\"resp_Bench0123456789abcdefghij\",\"object\":\"response\","
         "\"created_at\":1750000000,\"status\":\"" +
         status +
         "\",\"error\":null,\"incomplete_details\":null,\"instructions\":null,\"model\":"
         "\"bench-model\",\"output\":[" +
         output +
         "],\"parallel_tool_calls\":true,\"service_tier\":\"default\",\"store\":false,\"tools\":[],"
         "\"usage\":" +
         usage + "}";
}

// As many words as the Chat stream has, with everything that the API sends around them.
std::string responses_events() {
  const std::string where =
      "\"item_id\":\"msg_Bench0123456789\",\"output_index\":0,\"content_index\":0,";
  const auto item = [](const std::string& status, const std::string& content) {
    return "{\"id\":\"msg_Bench0123456789\",\"type\":\"message\",\"role\":\"assistant\",\"status\":"
           "\"" +
           status + "\",\"content\":[" + content + "]}";
  };
  const auto part = [](const std::string& text) {
    return "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"" + text +
           "\"}";
  };
  int number = 0;
  std::string out, text;
  const auto add = [&](const std::string& type, const std::string& members) {
    out += framed_event("response." + type, number++, members);
  };
  add("created", response_json("in_progress", "", "null"));
  add("in_progress", response_json("in_progress", "", "null"));
  add("output_item.added", "\"output_index\":0,\"item\":" + item("in_progress", ""));
  add("content_part.added", where + "\"part\":" + part(""));
  for (int i = 1; i < kEvents - 1; ++i) {
    char word[16];
    std::snprintf(word, sizeof word, " word%03d", i);
    text += word;
    add("output_text.delta", where + "\"delta\":\"" + word + "\",\"logprobs\":[]");
  }
  add("output_text.done", where + "\"text\":\"" + text + "\",\"logprobs\":[]");
  add("content_part.done", where + "\"part\":" + part(text));
  add("output_item.done", "\"output_index\":0,\"item\":" + item("completed", part(text)));
  add("completed",
      response_json("completed", item("completed", part(text)),
                    "{\"input_tokens\":19,\"input_tokens_details\":{\"cached_tokens\":0},"
                    "\"output_tokens\":198,\"output_tokens_details\":{\"reasoning_tokens\":0},"
                    "\"total_tokens\":217}"));
  return out + "0\r\n\r\n";
}

std::string choice(const std::string& delta, const char* finish) {
  return "{\"index\":0,\"delta\":" + delta + ",\"logprobs\":null,\"finish_reason\":" + finish + "}";
}

struct Answers {
  std::string plain;
  std::string stream_head;
  std::vector<std::string> events;  // the last one ends the chunked body
  std::string burst;                // head and all events
  std::string hold;
  std::string responses;
  std::string other;  // for anything that is not a chat completion
};

std::string plain_answer(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string plain_json() {
  std::string text;
  for (int i = 0; text.size() < 600; ++i) text += "Sentence number " + std::to_string(i) + ". ";
  return "{\"id\":\"chatcmpl-Bench0123456789abcdefghij\",\"object\":\"chat.completion\","
         "\"created\":1750000000,\"model\":\"bench-model\",\"choices\":[{\"index\":0,\"message\":"
         "{\"role\":\"assistant\",\"content\":\"" +
         text +
         "\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
         "\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":150,\"total_tokens\":169,"
         "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
         "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}},"
         "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"}";
}

Answers make_answers() {
  Answers a;
  a.plain = plain_answer(plain_json());
  a.other = plain_answer("{\"object\":\"list\",\"data\":[]}");
  a.stream_head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
      "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
  a.events.push_back(
      framed(event_json(choice("{\"role\":\"assistant\",\"content\":\"\"}", "null"), "null")));
  for (int i = 1; i < kEvents - 1; ++i) {
    char word[64];
    std::snprintf(word, sizeof word, "{\"content\":\" word%03d\"}", i);
    a.events.push_back(framed(event_json(choice(word, "null"), "null")));
  }
  a.events.push_back(framed(event_json(choice("{}", "\"stop\""), "null")));
  a.events.push_back(framed(
      event_json("", "{\"prompt_tokens\":19,\"completion_tokens\":198,\"total_tokens\":217}")));
  a.events.push_back(framed("[DONE]") + "0\r\n\r\n");
  a.burst = a.stream_head;
  for (const std::string& event : a.events) a.burst += event;
  a.hold = a.stream_head + a.events[0] + a.events[1];
  a.responses = a.stream_head + responses_events();
  return a;
}

// ---- requests --------------------------------------------------------------------------------
Mode mode_of(std::string_view body) {
  constexpr std::string_view key = "\"model\"";
  std::size_t at = body.find(key);
  if (at == body.npos) return Mode::plain;
  const std::string_view value = body.substr(at + key.size(), 32);
  for (const auto& [name, mode] : kModes)
    if (value.find(name) != value.npos) return mode;
  return Mode::plain;
}

// How many bytes the first request in `in` takes, 0 when it is not complete. `body` gets its body;
// that of a chunked request is left in chunks, which is enough to find the model in it.
std::size_t request_size(std::string_view in, std::string_view& body) {
  const std::size_t head_end = in.find("\r\n\r\n");
  if (head_end == in.npos) return 0;
  const std::string_view head = in.substr(0, head_end + 2);
  const std::size_t start = head_end + 4;
  if (equals_ignoring_case(header_value(head, "Transfer-Encoding"), "chunked")) {
    const std::size_t end = in.find("\r\n0\r\n\r\n", head_end);
    if (end == in.npos) return 0;
    body = in.substr(start, end - start);
    return end + 7;
  }
  const std::string length(header_value(head, "Content-Length"));
  const std::size_t size = std::strtoull(length.c_str(), nullptr, 10);
  if (in.size() - start < size) return 0;
  body = in.substr(start, size);
  return start + size;
}

struct Connection {
  int fd = -1;
  std::string in;
  std::string out;
  std::size_t sent = 0;
  bool waits_for_write = false;
  std::size_t next_event = 0;  // of a paced stream
  std::int64_t due_ns = 0;     // 0: no paced stream
};

class Server {
 public:
  explicit Server(std::uint16_t port)
      : answers_(make_answers()),
        listen_fd_(listen_on(port)),
        epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
        buffer_(kReadSize) {
    watch(epoll_fd_, listen_fd_, EPOLLIN, nullptr);
  }

  [[noreturn]] void serve() {
    epoll_event events[256];
    for (;;) {
      const int count = epoll_wait(epoll_fd_, events, 256, wait_ms());
      for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr == nullptr)
          accept_all();
        else
          on_ready(static_cast<Connection*>(events[i].data.ptr), events[i].events);
      }
      advance_paced();
      closed_.clear();
    }
  }

 private:
  int wait_ms() const {
    if (paced_.empty()) return -1;
    const std::int64_t left = paced_.begin()->first - now_ns();
    return left <= 0 ? 0 : static_cast<int>(left / 1'000'000 + 1);
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      auto connection = std::make_unique<Connection>();
      connection->fd = fd;
      watch(epoll_fd_, fd, EPOLLIN, connection.get());
      connections_.emplace(connection.get(), std::move(connection));
    }
  }

  void on_ready(Connection* c, std::uint32_t events) {
    if (c->fd < 0) return;  // closed earlier in this turn
    if (events & EPOLLOUT) flush(*c);
    if (c->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) read_some(*c);
  }

  void read_some(Connection& c) {
    const ssize_t got = recv(c.fd, buffer_.data(), buffer_.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return close_connection(c);
    if (got < 0) return;
    c.in.append(buffer_.data(), static_cast<std::size_t>(got));
    if (c.in.size() > kMaxRequest) return close_connection(c);
    std::string_view body;
    while (c.due_ns == 0) {
      const std::size_t used = request_size(c.in, body);
      if (used == 0) break;
      answer(c, body);
      c.in.erase(0, used);
    }
    flush(c);
  }

  void answer(Connection& c, std::string_view body) {
    if (!c.in.starts_with("POST ")) {
      c.out += answers_.other;
      return;
    }
    switch (mode_of(body)) {
      case Mode::plain:
        c.out += answers_.plain;
        break;
      case Mode::burst:
        c.out += answers_.burst;
        break;
      case Mode::hold:
        c.out += answers_.hold;
        break;
      case Mode::responses:
        c.out += answers_.responses;
        break;
      case Mode::paced:
        c.out += answers_.stream_head;
        c.next_event = 0;
        schedule(c, now_ns());
        break;
    }
  }

  void schedule(Connection& c, std::int64_t due_ns) {
    c.due_ns = due_ns;
    paced_.insert({due_ns, &c});
  }

  void advance_paced() {
    const std::int64_t now = now_ns();
    while (!paced_.empty() && paced_.begin()->first <= now) {
      Connection& c = *paced_.begin()->second;
      paced_.erase(paced_.begin());
      const std::int64_t due = std::exchange(c.due_ns, 0);
      c.out += answers_.events[c.next_event++];
      if (c.next_event < answers_.events.size()) schedule(c, due + kPaceNs);
      flush(c);
    }
  }

  void flush(Connection& c) {
    while (c.fd >= 0 && c.sent < c.out.size()) {
      const ssize_t wrote = send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0 && errno == EAGAIN) break;
      if (wrote < 0) return close_connection(c);
      c.sent += static_cast<std::size_t>(wrote);
    }
    const bool waits = c.sent < c.out.size();
    if (!waits) {
      c.out.clear();
      c.sent = 0;
    }
    if (waits == c.waits_for_write || c.fd < 0) return;
    c.waits_for_write = waits;
    watch(epoll_fd_, c.fd, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, &c, true);
  }

  // The object lives until the end of the turn: events of this turn may still name it.
  void close_connection(Connection& c) {
    if (c.due_ns != 0) paced_.erase({c.due_ns, &c});
    close(c.fd);
    c.fd = -1;
    const auto found = connections_.find(&c);
    closed_.push_back(std::move(found->second));
    connections_.erase(found);
  }

  const Answers answers_;
  const int listen_fd_, epoll_fd_;
  std::vector<char> buffer_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> closed_;
  std::set<std::pair<std::int64_t, Connection*>> paced_;
};

}  // namespace
}  // namespace clasp::bench

int main(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "--port") != 0)
    clasp::bench::die("usage: mock-backend --port N");
  clasp::bench::raise_file_limit();
  clasp::bench::Server(static_cast<std::uint16_t>(std::atoi(argv[2]))).serve();
}

// The load generator's command line and its idea of a good reply.
#include "load_options.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "net.h"

namespace clasp::bench {
namespace {

constexpr char kUsage[] =
    "usage: load closed|rate|hold|start --port N [--path P] [--body FILE]… [--connections N]\n"
    "            [--requests N] [--rate R] [--limit SECONDS] [--marker TEXT] [--min-bytes N]\n"
    "            [-- COMMAND …]";

std::string file_content(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) die(std::string("cannot read ") + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string render_request(const std::string& path, const std::string& body) {
  if (body.empty()) return "GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n";
  return "POST " + path +
         " HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"
         "x-api-key: bench\r\nanthropic-version: 2023-06-01\r\n"
         "Content-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

LoadOptions parse_load_options(int argc, char** argv) {
  LoadOptions o;
  std::string path = "/";
  std::vector<std::string> bodies;
  if (argc < 2) die(kUsage);
  o.mode = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--") {
      o.command.assign(argv + i + 1, argv + argc + 1);
      break;
    }
    if (i + 1 >= argc) die(kUsage);
    const char* value = argv[i + 1];
    if (name == "--port")
      o.port = static_cast<std::uint16_t>(std::atoi(value));
    else if (name == "--path")
      path = value;
    else if (name == "--body")
      bodies.push_back(file_content(value));
    else if (name == "--connections")
      o.connections = std::strtoul(value, nullptr, 10);
    else if (name == "--requests")
      o.requests = std::strtoul(value, nullptr, 10);
    else if (name == "--rate")
      o.rate = std::atof(value);
    else if (name == "--limit")
      o.limit_s = std::atof(value);
    else if (name == "--marker")
      o.marker = value;
    else if (name == "--min-bytes")
      o.min_bytes = std::strtoull(value, nullptr, 10);
    else
      die("unknown option " + name + "\n" + kUsage);
  }
  if (o.port == 0 || o.connections == 0 || o.requests == 0 || (o.mode == "rate" && o.rate <= 0) ||
      (o.mode == "start" && o.command.size() < 2))
    die(kUsage);
  if (bodies.empty()) bodies.emplace_back();
  for (const std::string& body : bodies) o.bytes.push_back(render_request(path, body));
  return o;
}

std::string fault_of(const ReplyReader& reply, const LoadOptions& options) {
  if (reply.state() != ReplyReader::State::done) return "the reply is broken off or malformed";
  if (reply.status() != 200)
    return "status " + std::to_string(reply.status()) + ": " + std::string(reply.start());
  if (reply.body_bytes() < options.min_bytes)
    return "only " + std::to_string(reply.body_bytes()) + " bytes";
  if (reply.tail().find(options.marker) == std::string_view::npos)
    return "no " + options.marker + " at the end: " + std::string(reply.tail());
  return {};
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 400)) out += c == '"' || c == '\\' || c < ' ' ? '.' : c;
  return out + "\"";
}

}  // namespace clasp::bench

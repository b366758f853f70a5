// See forwarded.h.
#include "core/wire/forwarded.h"

#include "base/text.h"

namespace clasp::wire {
namespace {

constexpr std::size_t kMaxEntries = 64;

using Entries = std::vector<std::string_view>;

bool is_list_of(const Headers& headers, std::string_view name) {
  for (const auto& [field, value] : headers)
    if (iequals(field, name)) return true;
  return false;
}

// The elements of all lines of a header in their order. A comma or semicolon inside quotes is none.
Entries split_quoted(std::string_view text, char separator) {
  Entries out;
  bool quoted = false;
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      out.push_back(trim(text.substr(from, i - from)));
      from = i + 1;
    }
  }
  out.push_back(trim(text.substr(from)));
  return out;
}

// for="[2001:db8::1]:4711" of one element; empty when there is none.
std::string_view for_value(std::string_view element) {
  for (std::string_view pair : split_quoted(element, ';')) {
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || !iequals(trim(pair.substr(0, equals)), "for")) continue;
    std::string_view value = trim(pair.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

}  // namespace

std::string find_client(std::string_view peer, const Headers& headers,
                        const std::vector<Network>& trusted, bool trust_unix_sockets) {
  std::optional<PeerAddress> current = parse_peer(peer);
  const auto is_trusted = [&] { return current && is_in_any(trusted, current->address); };
  if (current ? !is_trusted() : !trust_unix_sockets) return std::string(peer);
  const bool old_style = is_list_of(headers, "x-forwarded-for");
  const std::string_view name = old_style ? "x-forwarded-for" : "forwarded";
  std::vector<std::string_view> lines;
  for (const auto& [field, value] : headers)
    if (iequals(field, name)) lines.push_back(value);
  std::size_t walked = 0;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const Entries entries = old_style ? split(*line, ',') : split_quoted(*line, ',');
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      if ((current && !is_trusted()) || ++walked > kMaxEntries)
        return current ? render_peer(*current) : std::string(peer);
      const auto next = parse_peer(old_style ? trim(*entry) : for_value(*entry));
      if (!next) return current ? render_peer(*current) : std::string(peer);
      current = next;
    }
  }
  return current ? render_peer(*current) : std::string(peer);
}

}  // namespace clasp::wire

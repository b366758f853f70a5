// See trace_context.h.
#include "core/wire/trace_context.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace clasp::wire {

namespace {

constexpr std::size_t kLength = 55;  // of version 00: 2 + 1 + 32 + 1 + 16 + 1 + 2
// Entries that go first when there is too much, as the standard proposes.
constexpr std::size_t kLargeEntry = 128;
constexpr std::size_t kLongestKey = 256, kLongestValue = 256;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

int hex_value(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_key(std::string_view key) {
  if (key.empty() || key.size() > kLongestKey || !is_lower_or_digit(key.front())) return false;
  if (std::count(key.begin(), key.end(), '@') > 1 || key.back() == '@') return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return is_lower_or_digit(c) || std::string_view("_-*/@").find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view value) {
  if (value.empty() || value.size() > kLongestValue || value.back() == ' ') return false;
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= 0x20 && c <= 0x7E && c != ',' && c != '='; });
}

std::string_view key_of(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

// Adds the entries of one line; false when one is wrong.
bool add_entries(std::vector<std::string_view>& entries, std::string_view line) {
  for (std::string_view entry : split(line, ',')) {
    while (!entry.empty() && (entry.front() == ' ' || entry.front() == '\t'))
      entry.remove_prefix(1);
    while (!entry.empty() && (entry.back() == ' ' || entry.back() == '\t')) entry.remove_suffix(1);
    if (entry.empty()) continue;
    const std::string_view key = key_of(entry);
    if (key.size() == entry.size() || !is_key(key) || !is_value(entry.substr(key.size() + 1)))
      return false;
    for (const std::string_view other : entries)
      if (key_of(other) == key) return false;
    if (entries.size() == kMostTraceStateEntries) return false;
    entries.push_back(entry);
  }
  return true;
}

std::size_t joined_size(const std::vector<std::string_view>& entries) {
  std::size_t size = entries.empty() ? 0 : entries.size() - 1;
  for (const std::string_view entry : entries) size += entry.size();
  return size;
}

}  // namespace

bool TraceParent::sampled() const {
  return (flags & kSampled) != 0;
}

std::optional<TraceParent> parse_traceparent(std::string_view text) {
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
  const std::string_view version = text.substr(0, 2), flags = text.substr(53, 2);
  if (!is_hex(version) || version == "ff" || !is_hex(flags)) return {};
  // Later versions may say more, behind a dash.
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) return {};
  TraceParent parent;
  parent.trace_id = text.substr(3, 32);
  parent.parent_id = text.substr(36, 16);
  if (!is_hex(parent.trace_id) || is_zero(parent.trace_id)) return {};
  if (!is_hex(parent.parent_id) || is_zero(parent.parent_id)) return {};
  const int bits = hex_value(flags[0]) * 16 + hex_value(flags[1]);
  parent.flags = static_cast<unsigned char>(bits & (kSampled | kRandomId));
  return parent;
}

std::string render_traceparent(const TraceParent& parent) {
  std::string text = "00-";
  text.append(parent.trace_id).append("-").append(parent.parent_id).append("-0");
  text.push_back(static_cast<char>('0' + parent.flags));
  return text;
}

std::string join_tracestate(const Headers& headers) {
  std::vector<std::string_view> entries;
  for (const auto& [name, value] : headers)
    if (iequals(name, "tracestate") && !add_entries(entries, value)) return {};
  if (joined_size(entries) > kMostTraceState)
    std::erase_if(entries, [](std::string_view entry) { return entry.size() > kLargeEntry; });
  while (joined_size(entries) > kMostTraceState) entries.pop_back();
  std::string out;
  for (const std::string_view entry : entries) {
    if (!out.empty()) out.push_back(',');
    out.append(entry);
  }
  return out;
}

std::optional<TraceContext> read_trace_context(const Headers& headers) {
  std::optional<std::string_view> found;
  for (const auto& [name, value] : headers) {
    if (!iequals(name, "traceparent")) continue;
    if (found) return {};
    found = value;
  }
  if (!found) return {};
  auto parent = parse_traceparent(*found);
  if (!parent) return {};
  return TraceContext{std::move(*parent), std::string(*found), join_tracestate(headers)};
}

}  // namespace clasp::wire

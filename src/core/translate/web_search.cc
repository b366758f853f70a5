// Anthropic's web_search tool as what a backend calls its own search, with as many of the tool's
// options as that knows (translation spec §3.6).
#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "core/translate/content.h"
#include "core/translate/tools.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

constexpr std::uint64_t kMostResults = 10;

// The elements of a list of strings, raw; empty when it is something else.
std::vector<std::string_view> string_list(std::string_view json) {
  std::vector<std::string_view> list;
  wire::JsonReader reader(json);
  if (reader.kind() != wire::JsonReader::Kind::array) return list;
  wire::JsonReader::Items items(reader);
  std::string_view raw;
  while (items.next() && reader.string(raw)) list.push_back(raw);
  return reader.ok() ? list : std::vector<std::string_view>();
}

// The options of one search tool. Those that nobody asks for are warned about in the end.
class SearchOptions {
 public:
  SearchOptions(Translation& t, const wire::Tool& tool) : t_(t), tool_(tool) {
    allowed_ = string_list(wire::json_member(tool.json, "allowed_domains").value_or(""));
    blocked_ = string_list(wire::json_member(tool.json, "blocked_domains").value_or(""));
    location_ = wire::json_member(tool.json, "user_location").value_or("");
    if (const auto uses = wire::json_member(tool.json, "max_uses"))
      uses_ = parse_unsigned(*uses).value_or(0);
  }

  std::string allowed(std::string_view name) { return domains(name, allowed_); }
  std::string blocked(std::string_view name) { return domains(name, blocked_); }

  // ,"name":{…} of what the client says about the place.
  std::string location(std::string_view name, bool with_type, bool nested) {
    std::string place;
    for (std::string_view member : {"city", "region", "country", "timezone"}) {
      const std::string_view raw = wire::json_string_member(location_, member);
      if (raw.empty()) continue;
      place.append(place.empty() ? "\"" : ",\"").append(member).append("\":\"");
      place.append(raw).push_back('"');
    }
    location_ = {};
    if (place.empty()) return {};
    if (nested) place = "\"approximate\":{" + place + "}";
    if (with_type) place = "\"type\":\"approximate\"," + place;
    return ",\"" + std::string(name) + "\":{" + place + "}";
  }

  std::string country() {
    const std::string_view raw = wire::json_string_member(location_, "country");
    if (raw.empty()) return {};
    location_ = {};
    return ",\"country\":\"" + std::string(raw) + "\"";
  }

  std::string results(std::string_view name) {
    const std::uint64_t number = std::min(uses_, kMostResults);
    uses_ = 0;
    if (number == 0) return {};
    return ",\"" + std::string(name) + "\":" + std::to_string(number);
  }

  // Domains to keep and, behind a minus sign, to leave out, in one list.
  std::string signed_domains(std::string_view name) {
    std::string list;
    for (const auto* group : {&allowed_, &blocked_})
      for (const std::string_view raw : *group)
        list.append(list.empty() ? "\"" : ",\"")
            .append(group == &blocked_ ? "-" : "")
            .append(raw)
            .append("\"");
    allowed_.clear();
    blocked_.clear();
    return list.empty() ? std::string() : ",\"" + std::string(name) + "\":[" + list + "]";
  }

  std::uint64_t take_uses() { return std::exchange(uses_, 0); }

  void warn_about_rest() {
    const auto warn = [this](std::string_view member) {
      t_.warn("search-options", tool_path(t_, tool_, member));
    };
    if (!allowed_.empty()) warn("allowed_domains");
    if (!blocked_.empty()) warn("blocked_domains");
    if (!location_.empty() && location_ != "null") warn("user_location");
    if (uses_ > 0) warn("max_uses");
  }

 private:
  static std::string domains(std::string_view name, std::vector<std::string_view>& list) {
    if (list.empty()) return {};
    std::string inside;
    for (const std::string_view raw : list)
      inside.append(inside.empty() ? "\"" : ",\"").append(raw).append("\"");
    list.clear();
    return ",\"" + std::string(name) + "\":[" + inside + "]";
  }

  Translation& t_;
  const wire::Tool& tool_;
  std::vector<std::string_view> allowed_, blocked_;
  std::string_view location_;
  std::uint64_t uses_ = 0;
};

// `members` without its leading comma.
std::string object(const std::string& members) {
  return "{" + (members.empty() ? members : members.substr(1)) + "}";
}

bool is_forced(const Translation& t, const wire::Tool& tool) {
  return t.request.tool_choice == wire::ToolChoiceKind::tool &&
         decode_json_string(t.request.tool_choice_name_raw) == decode_json_string(tool.name_raw);
}

}  // namespace

std::optional<std::string> search_members(Translation& t, const wire::Tool& tool) {
  SearchOptions options(t, tool);
  std::string out;
  switch (t.profile.web_search) {
    case WebSearch::none:
    case WebSearch::native:  // native_search()
      return std::nullopt;
    case WebSearch::plugin:
      out = options.results("max_results") + options.allowed("include_domains") +
            options.blocked("exclude_domains") + options.location("user_location", true, false);
      out = ",\"plugins\":[{\"id\":\"web\"" + out + "}]";
      break;
    case WebSearch::options:
      out = ",\"web_search_options\":" + object(options.location("user_location", true, true));
      break;
    case WebSearch::xai:
      out = options.allowed("allowed_websites") + options.blocked("excluded_websites") +
            options.country();
      out = ",\"search_parameters\":{\"mode\":\"" +
            std::string(is_forced(t, tool) ? "on" : "auto") + "\",\"sources\":[{\"type\":\"web\"" +
            out + "}]}";
      break;
    case WebSearch::groq:
      // Compound models search without being told; only limits need saying.
      out = options.allowed("include_domains") + options.blocked("exclude_domains") +
            options.country();
      if (!out.empty()) out = ",\"search_settings\":" + object(out);
      break;
    case WebSearch::perplexity:
      out = options.signed_domains("search_domain_filter");
      if (const std::string place = options.location("user_location", false, false); !place.empty())
        out += ",\"web_search_options\":" + object(place);
      break;
  }
  options.warn_about_rest();
  return out;
}

std::string native_search(Translation& t, const wire::Tool& tool, std::uint64_t& uses) {
  SearchOptions options(t, tool);
  std::string out = "{\"type\":\"web_search\"";
  const std::string domains = options.allowed("allowed_domains");
  if (!domains.empty()) out.append(",\"filters\":").append(object(domains));
  out.append(options.location("user_location", true, false)).push_back('}');
  uses = options.take_uses();
  options.warn_about_rest();
  return out;
}

}  // namespace clasp::translate

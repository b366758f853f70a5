// See request_members.h.
#include "core/translate/request_members.h"

#include <charconv>

#include "base/text.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

double number_of(std::string_view json) {
  double value = 0;
  const auto end = std::from_chars(json.data(), json.data() + json.size(), value);
  // Beyond what a double holds: it goes out as it came, and is neither 0 nor 1.
  return end.ec == std::errc() ? value : 2;
}

void append_number(std::string& out, std::string_view name, std::string_view json) {
  if (!json.empty()) out.append(",\"").append(name).append("\":").append(json);
}

}  // namespace

void append_sampling(std::string& out, Translation& t, const ReasoningPlan& reasoning) {
  std::string_view temperature = t.request.temperature_json, top_p = t.request.top_p_json;
  const bool off = reasoning.level == Effort::none;
  const bool taken = t.profile.sampling || (t.profile.sampling_when_off && off);
  if (!taken) {
    for (const auto& [json, name] :
         {std::pair(temperature, "temperature"), std::pair(top_p, "top_p")})
      if (!json.empty() && number_of(json) != 1) t.warn("sampling-dropped", name);
    temperature = top_p = {};
  }
  // Ignored there while thinking.
  if (t.profile.reasoning == ReasoningRequest::thinking_object && reasoning.on)
    temperature = top_p = {};
  if (t.dialect.mistral_sampling && !temperature.empty() && number_of(temperature) == 0 &&
      !top_p.empty() && number_of(top_p) < 1)
    top_p = {};
  append_number(out, "temperature", temperature);
  append_number(out, "top_p", top_p);
  if (t.request.top_k_json.empty()) return;
  if (t.dialect.top_k) {
    append_number(out, "top_k", t.request.top_k_json);
  } else {
    t.warn("top-k-dropped", "top_k");
  }
}

void append_stop(std::string& out, Translation& t) {
  std::vector<std::string>& all = t.reply.stop_sequences;
  for (const std::string& stop : t.request.stop_sequences)
    if (!trim(stop).empty()) all.push_back(stop);
  if (all.empty()) return;
  const int limit = t.profile.max_stop;
  if (limit >= 0 && all.size() > static_cast<std::size_t>(limit)) {
    t.reply.local_stops = all;
    return;
  }
  out.append(",\"stop\":[");
  for (const std::string& stop : all) {
    if (&stop != all.data()) out.push_back(',');
    append_json_string(out, stop);
  }
  out.push_back(']');
  if (t.dialect.hide_stop) out.append(",\"include_stop_str_in_output\":false");
}

void append_tier(std::string& out, Translation& t) {
  if (wire::raw_equals(t.request.speed_raw, "fast")) {
    if (t.dialect.fast_tier && t.dialect.priority_tier) {
      t.reply.fast = true;
      out.append(",\"service_tier\":\"priority\"");
      return;
    }
    t.warn("speed", "speed");
  }
  if (!wire::raw_equals(t.request.service_tier_raw, "standard_only")) return;
  if (t.dialect.standard_tier == StandardTier::default_tier)
    out.append(",\"service_tier\":\"default\"");
  if (t.dialect.standard_tier == StandardTier::on_demand)
    out.append(",\"service_tier\":\"on_demand\"");
}

bool wants_long_cache(const Translation& t, const Plan& plan) {
  if (!t.dialect.long_cache || !t.profile.cache_breakpoints) return false;
  for (const PlannedMessage& message : plan.messages)
    for (const Part& part : message.parts)
      if (wire::json_string_member(part.cache_control, "ttl") == "1h") return true;
  return false;
}

}  // namespace clasp::translate

// See render_test.h. A line for each step, and under one that failed what can be done about it.
#include "ctl/render_test.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "ctl/pieces.h"

namespace clasp::ctl {

namespace {

constexpr std::size_t kWide = 80;
constexpr std::string_view kStepIndent = "                       ";  // under a step's words
constexpr std::size_t kShownText = 40;

std::string painted(std::string_view text, bool good, const Look& look) {
  return paint(text, good ? Hue::good : Hue::bad, look);
}

std::string time_text(const json_t* object, const char* name) {
  const double ms = json_number_value(json_object_get(object, name));
  char text[32];
  if (ms >= 10'000)
    std::snprintf(text, sizeof text, "%.1fs", ms / 1000);
  else
    std::snprintf(text, sizeof text, ms < 10 ? "%.1fms" : "%.0fms", ms);
  return text;
}

// Words in lines of at most kWide columns; the first one begins at `indent` already.
std::string wrap(std::string_view text, std::string_view indent) {
  std::string out;
  std::size_t column = indent.size();
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    if (column + 1 + word.size() > kWide && column > indent.size()) {
      out.append("\n").append(indent);
      column = indent.size();
    } else if (column > indent.size()) {
      out.push_back(' ');
      ++column;
    }
    out.append(word);
    column += word.size();
  }
  return out;
}

std::string text(const json_t* object, const char* name) {
  return harmless(text_of(object, name));
}

std::string tls_words(const json_t* step) {
  std::string out = text(step, "version");
  if (!text(step, "cipher").empty()) out += ", " + text(step, "cipher");
  const std::string name = text(step, "certificate");
  if (json_object_get(step, "expires") == nullptr) return out;
  const std::int64_t days = number_of(step, "expires_days");
  return out + "; certificate of " + name + " by " + text(step, "issuer") + ", until " +
         text(step, "expires") + " (" + (days < 0 ? "expired" : std::to_string(days) + " days") +
         ")";
}

std::string answer_words(const json_t* test) {
  std::string out = text(test, "stop_reason") + ", " +
                    std::to_string(number_of(test, "input_tokens")) + " tokens in, " +
                    std::to_string(number_of(test, "output_tokens")) + " out";
  if (flag_of(test, "tokens_estimated")) out += " (estimated)";
  const std::string cost = text(test, "cost_usd");
  out += cost.empty() ? ", price unknown" : ", $" + cost;
  std::string words = text(test, "text");
  std::replace(words.begin(), words.end(), '\n', ' ');
  if (words.empty()) return out + ", no text";
  if (words.size() > kShownText) {
    words = scrub_utf8(words.substr(0, kShownText)) + "...";
    out += ", " + std::to_string(number_of(test, "text_bytes")) + " bytes";
  }
  return out + ": " + words;
}

std::string status_words(const json_t* step) {
  const std::string path = text(step, "path");
  return "status " + std::to_string(number_of(step, "status")) +
         (path.empty() ? std::string() : " of " + path);
}

std::string step_words(const json_t* step, const json_t* test) {
  const std::string_view name = text_of(step, "name");
  if (name == "resolve") {
    const std::string host = text(step, "host"), found = join(json_object_get(step, "addresses"));
    return host == found || "[" + host + "]" == found ? host : host + ": " + found;
  }
  if (name == "connect") return text(step, "address");
  if (name == "tls") return tls_words(step);
  if (name == "proxy") return "the proxy has let it through";
  if (name == "http") return status_words(step);
  return answer_words(test);
}

std::string render_step(const json_t* step, const json_t* test, const Look& look) {
  const bool good = flag_of(step, "ok");
  std::string out = "  " + painted(good ? "ok  " : "FAIL", good, look) + "  ";
  const std::string name = text(step, "name"), time = time_text(step, "time_ms");
  out.append(name).append(8 - std::min<std::size_t>(8, name.size()), ' ');
  out.append(6 - std::min<std::size_t>(6, time.size()), ' ').append(time).append(" ");
  if (good) return out + wrap(step_words(step, test), kStepIndent) + "\n";
  std::string cause = text(step, "cause");
  if (const std::int64_t status = number_of(step, "status"); status >= 300)
    cause = status_words(step) + ": " + cause;
  out += wrap(cause, kStepIndent) + "\n";
  if (name == "tls" && json_object_get(step, "expires") != nullptr)
    out.append(kStepIndent).append(wrap(tls_words(step), kStepIndent)).append("\n");
  const std::string remedy = text(step, "remedy");
  if (!remedy.empty())
    out.append(kStepIndent).append(wrap("> " + remedy, kStepIndent)).append("\n");
  return out;
}

std::string render_mode(const json_t* test, const Look& look) {
  std::string out = text_of(test, "mode") == "stream" ? " as a stream" : " a plain answer";
  out += ", " + time_text(test, "total_ms");
  if (json_object_get(test, "first_content_ms") != nullptr && text_of(test, "mode") == "stream")
    out += ", first words after " + time_text(test, "first_content_ms");
  if (number_of(test, "calls") > 1)
    out += ", " + std::to_string(number_of(test, "calls")) + " calls (the last one is shown)";
  out += "\n";
  std::size_t i = 0;
  json_t* step = nullptr;
  json_array_foreach(json_object_get(test, "steps"), i, step) out += render_step(step, test, look);
  for (const char* name : {"warnings", "repairs", "tolerated"})
    if (const std::string words = text(test, name); !words.empty())
      out.append("  ").append(name).append(": ").append(words).append("\n");
  return out;
}

std::string render_backend_test(const json_t* one, const Look& look) {
  const bool passed = flag_of(one, "passed");
  const std::string name = text(one, "backend"), model = text(one, "model"),
                    address = text(one, "base_url");
  std::string out = painted(name, passed, look);
  if (!model.empty()) out += ": " + model;
  if (!address.empty()) out += " at " + address;
  out += ", dialect " + text(one, "dialect");
  const char* flag = nullptr;
  json_t* value = nullptr;
  json_object_foreach(json_object_get(one, "flags"), flag, value) out +=
      ", " + harmless(flag) + "=" + harmless(json_string_value(value));
  out += "\n";
  const std::string admin = text(one, "admin"), breaker = text(one, "breaker");
  if (!admin.empty() && admin != "enabled")
    out += " is " + admin + ": requests do not go there; claspctl backends enable " + name + "\n";
  if (breaker == "open" || breaker == "half_open")
    out += " its breaker is " + breaker + ": requests do not go there; claspctl breakers reset " +
           name + "\n";
  if (const std::string problem = text(one, "problem"); !problem.empty())
    out += "  " + painted("FAIL", false, look) + "  " + wrap(problem, "        ") + "\n";
  std::size_t i = 0;
  json_t* test = nullptr;
  json_array_foreach(json_object_get(one, "tests"), i, test) out += render_mode(test, look);
  return out;
}

}  // namespace

std::string render_test(const json_t* root, const Look& look) {
  std::string out;
  std::size_t i = 0, failed = 0;
  const json_t* list = json_object_get(root, "backends");
  json_t* one = nullptr;
  json_array_foreach(list, i, one) {
    out += render_backend_test(one, look) + "\n";
    failed += flag_of(one, "passed") ? 0 : 1;
  }
  const std::size_t all = json_array_size(list);
  if (failed == 0)
    return out + (all == 1 ? "it works\n" : "all " + std::to_string(all) + " backends work\n");
  if (all == 1) return out + "it does not work\n";
  return out + std::to_string(failed) + " of " + std::to_string(all) + " failed\n";
}

}  // namespace clasp::ctl

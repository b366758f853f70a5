// How answers about clients look: their limits, keys and costs.
#include "ctl/render_clients.h"

#include <cstdio>

#include "ctl/pieces.h"
#include "ctl/table.h"

namespace clasp::ctl {

namespace {

std::string text(const json_t* object, const char* name) {
  return std::string(text_of(object, name));
}

std::string left_of(const json_t* one, const char* left, const char* limit) {
  if (json_object_get(one, limit) == nullptr) return "-";
  return std::to_string(number_of(one, left)) + "/" + std::to_string(number_of(one, limit));
}

std::string dollars(const json_t* object, const char* name) {
  char out[48];
  std::snprintf(out, sizeof out, "$%.4f", json_number_value(json_object_get(object, name)));
  return out;
}

std::string spent_table(const char* heading, const json_t* parts, const Look& look) {
  Table table({{heading, {.shrink = 12}},
               "COST",
               "REQUESTS",
               "INPUT",
               "OUTPUT",
               {"CACHED", {.drop = 1}},
               {"UNPRICED", {.drop = 2}}});
  const char* name = nullptr;
  json_t* one = nullptr;
  json_object_foreach(const_cast<json_t*>(parts), name, one) {
    table.add({name, dollars(one, "cost_usd"), std::to_string(number_of(one, "requests")),
               std::to_string(number_of(one, "input_tokens")),
               std::to_string(number_of(one, "output_tokens")),
               std::to_string(number_of(one, "cached_tokens")),
               std::to_string(number_of(one, "unpriced_requests"))});
  }
  return table.empty() ? std::string() : "\n" + table.render(look.width);
}

std::string budget_table(const json_t* budgets, const Look& look) {
  Table table({{"BUDGET OF", {.shrink = 12}},
               "PERIOD",
               {"BUDGET", {.drop = 1}},
               "SPENT",
               "LEFT",
               {"RENEWED", {.drop = 2}}});
  const char* name = nullptr;
  json_t* one = nullptr;
  json_object_foreach(const_cast<json_t*>(budgets), name, one) {
    for (const char* period : {"daily", "monthly"}) {
      const json_t* budget = json_object_get(one, period);
      if (budget == nullptr) continue;
      table.add({name, period, dollars(budget, "budget_usd"), dollars(budget, "spent_usd"),
                 dollars(budget, "left_usd"), text(budget, "renewed_at")});
    }
  }
  return table.empty() ? std::string() : "\n" + table.render(look.width);
}

}  // namespace

std::string render_limits(const json_t* root, const Look& look) {
  Table table({{"LIMIT OF", {.shrink = 16}}, "REQUESTS LEFT", "TOKENS LEFT", "RUNNING"});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "limits"), i, one) {
    const std::string name = text(one, "name");
    std::string running = std::to_string(number_of(one, "running"));
    if (const std::int64_t most = number_of(one, "max_concurrency"); most > 0)
      running.append("/").append(std::to_string(most));
    table.add({text(one, "kind") + (name.empty() ? "" : " " + name),
               left_of(one, "requests_left", "requests_limit"),
               left_of(one, "tokens_left", "tokens_per_minute"), running});
  }
  const json_t* refused = json_object_get(root, "refused");
  const std::string ends = "refused: " + std::to_string(number_of(refused, "requests")) +
                           " by requests, " + std::to_string(number_of(refused, "tokens")) +
                           " by tokens, " + std::to_string(number_of(refused, "concurrency")) +
                           " by concurrency, " + std::to_string(number_of(refused, "budget")) +
                           " by budget";
  constexpr std::size_t kIndent = 2;
  return (table.empty() ? "nobody is limited yet\n" : table.render(look.width)) +
         wrap(ends, look.width, kIndent) + "\n";
}

std::string render_keys(const json_t* root, const Look& look) {
  Table table({{"CLIENT", {.shrink = 10}},
               {"KEYS", {.drop = 1}},
               {"CERTIFICATE", {.drop = 2, .shrink = 11}},
               "EXPIRES",
               {"MODELS", {.shrink = 16}}});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "clients"), i, one) {
    const std::string certificate = text(one, "certificate"), expires = text(one, "expires"),
                      models = join(json_object_get(one, "models"));
    table.add({text(one, "name"), std::to_string(number_of(one, "keys")),
               certificate.empty() ? "-" : certificate,
               expires.empty() ? "never" : expires + (flag_of(one, "expired") ? " (over)" : ""),
               models.empty() ? "all" : models});
  }
  std::string out = flag_of(root, "required") ? "" : "nobody is asked for a key\n";
  if (!table.empty()) out.append(table.render(look.width));
  return out;
}

std::string render_costs(const json_t* root, const Look& look) {
  const std::string since = text(root, "since");
  std::string out = dollars(root, "total_cost_usd") + " for " +
                    counted(number_of(root, "total_requests"), "request") +
                    (since.empty() ? "" : " since " + since) + "\n" +
                    dollars(root, "day_cost_usd") + " on " + text(root, "day") + ", " +
                    dollars(root, "month_cost_usd") + " in " + text(root, "month") + "\n";
  out.append(spent_table("CLIENT", json_object_get(root, "by_client"), look));
  out.append(spent_table("MODEL", json_object_get(root, "by_model"), look));
  out.append(spent_table("BACKEND", json_object_get(root, "by_backend"), look));
  out.append(budget_table(json_object_get(root, "budgets"), look));
  const std::string unpriced = join(json_object_get(root, "unpriced_models"));
  if (!unpriced.empty()) out.append("\nwithout a price: ").append(unpriced).append("\n");
  return out;
}

}  // namespace clasp::ctl

// See top_tables.h.
#include "ctl/top_tables.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "ctl/pieces.h"

namespace clasp::ctl {

namespace {

// Numbers stand still while they change.
constexpr Fit number(std::size_t least, int drop = 0) {
  return {.drop = drop, .shrink = 0, .least = least, .right = true};
}

double value(std::optional<double> number) {
  return number.value_or(-1);
}

// What is sorted by; more comes first. Clients have no latency of their own.
template <class Element>
double rank(const Element& one, TopSort sort) {
  switch (sort) {
    case TopSort::in_flight:
      return static_cast<double>(one.in_flight);
    case TopSort::requests:
      return value(one.requests);
    case TopSort::failed:
      return value(one.failed);
    case TopSort::tokens:
      return value(one.tokens);
    case TopSort::latency:
      if constexpr (requires { one.p95; }) return value(one.p95);
      break;
    case TopSort::given:
    case TopSort::name:
      break;
  }
  return 0;
}

double rank(const TopExchange& one, TopSort sort) {
  return sort == TopSort::tokens ? static_cast<double>(one.bytes) : static_cast<double>(one.age_ms);
}

const std::string& name_of(const TopBackend& one) {
  return one.name;
}
const std::string& name_of(const TopClient& one) {
  return one.name;
}
const std::string& name_of(const TopExchange& one) {
  return one.model;
}

// The places of the rows that are shown, in their order.
template <class Element>
std::vector<const Element*> pick(const std::vector<Element>& list, const TopRows& rows) {
  std::vector<const Element*> out;
  for (const Element& one : list) out.push_back(&one);
  std::stable_sort(out.begin(), out.end(), [&rows](const Element* a, const Element* b) {
    if (rows.sort == TopSort::name) return name_of(*a) < name_of(*b);
    return rows.sort != TopSort::given && rank(*a, rows.sort) > rank(*b, rows.sort);
  });
  if (rows.reverse) std::reverse(out.begin(), out.end());
  out.erase(out.begin(),
            out.begin() + static_cast<std::ptrdiff_t>(std::min(rows.first, out.size())));
  if (out.size() > rows.count) out.resize(rows.count);
  return out;
}

// The column of names, which says how many rows are hidden and is not cut so far that it does not.
Column names(const char* name, std::size_t hidden) {
  constexpr std::size_t kShort = 12, kUsual = 14;
  std::string text = name;
  if (hidden > 0) text.append(" (").append(std::to_string(hidden)).append(" hidden)");
  const std::size_t width = hidden > 0 ? width_of(text) : kShort;
  return {std::move(text), {.shrink = width, .least = std::max(width, kUsual)}};
}

Table backend_table(const TopData& data, const TopRows& rows, const Look& look) {
  const auto shown = pick(data.backends, rows);
  Table table({names("BACKEND", data.backends.size() - shown.size()),
               {"STATE", {.drop = 1, .shrink = 5, .least = 8}},
               {"BREAKER", {.drop = 6, .least = 7}},
               {"IN FLIGHT", number(9, 2)},
               {"REQ/S", number(5, 3)},
               {"FAIL/S", number(6, 4)},
               {"P50", number(6, 7)},
               {"P95", number(6, 5)},
               {"TOK/S", number(5, 8)}});
  table.paint(1, state_painter(look));
  table.paint(2, state_painter(look));
  for (const TopBackend* one : shown)
    table.add({one->name, one->state, one->breaker, of_most(one->in_flight, one->max_concurrency),
               rate_text(one->requests), rate_text(one->failed), latency_text(one->p50),
               latency_text(one->p95), rate_text(one->tokens)});
  return table;
}

Table client_table(const TopData& data, const TopRows& rows) {
  const auto shown = pick(data.clients, rows);
  Table table({names("CLIENT", data.clients.size() - shown.size()),
               {"REQUESTS", number(8, 4)},
               {"COST", number(9, 5)},
               {"IN FLIGHT", number(9, 1)},
               {"REQ/S", number(5, 2)},
               {"FAIL/S", number(6, 3)},
               {"TOK/S", number(5, 6)}});
  for (const TopClient* one : shown)
    table.add({one->name.empty() ? "(without a name)" : one->name, std::to_string(one->total),
               cost_text(one->cost), std::to_string(one->in_flight), rate_text(one->requests),
               rate_text(one->failed), rate_text(one->tokens)});
  return table;
}

Table exchange_table(const TopData& data, const TopRows& rows) {
  const auto shown = pick(data.exchanges, rows);
  const std::size_t all = count_rows(data, TopView::requests);
  Table table({names("IN FLIGHT", all - shown.size()),
               {"AGE", number(6, 1)},
               {"CLIENT", {.drop = 4, .shrink = 10}},
               {"BACKEND", {.drop = 3, .shrink = 8}},
               {"PHASE", {.drop = 2, .shrink = 9, .least = 9}},
               {"SENT", number(8, 5)},
               {"ID", {.drop = 6}}});
  for (const TopExchange* one : shown)
    table.add({one->model, milliseconds_text(one->age_ms), one->client,
               one->backend.empty() ? "-" : one->backend, one->phase,
               one->stream || one->bytes > 0 ? bytes_text(one->bytes) : "-", one->id});
  return table;
}

}  // namespace

std::string_view sort_name(TopSort sort) {
  constexpr std::string_view kNames[kTopSorts] = {"as it is", "name",    "in flight", "requests",
                                                  "errors",   "latency", "tokens"};
  return kNames[static_cast<int>(sort)];
}

std::string rate_text(Rate rate) {
  if (!rate) return "-";
  constexpr double kFew = 9.95, kMany = 9999.5;
  char text[32];
  if (*rate < kFew)
    std::snprintf(text, sizeof text, *rate > 0 ? "%.1f" : "%.0f", *rate);
  else if (*rate < kMany)
    std::snprintf(text, sizeof text, "%.0f", *rate);
  else
    std::snprintf(text, sizeof text, "%.0fk", *rate / 1000);
  return text;
}

std::string cost_text(std::string_view dollars) {
  if (dollars.find_first_not_of("0.") == std::string_view::npos) return "-";
  constexpr std::size_t kDecimals = 4;
  const std::size_t point = dollars.find('.');
  return "$" + std::string(dollars.substr(
                   0, point == std::string_view::npos ? point : point + 1 + kDecimals));
}

std::string latency_text(Milliseconds latency) {
  if (!latency) return "-";
  if (*latency < 1) return "<1ms";
  return milliseconds_text(std::llround(*latency));
}

std::size_t count_rows(const TopData& data, TopView view) {
  switch (view) {
    case TopView::backends:
      return data.backends.size();
    case TopView::clients:
      return data.clients.size();
    case TopView::requests:
      return data.exchanges.size() +
             static_cast<std::size_t>(std::max<std::int64_t>(0, data.exchanges_left_out));
    case TopView::overview:
      break;
  }
  return 0;
}

std::vector<std::string> top_table(const TopData& data, TopView view, const TopRows& rows,
                                   std::size_t columns, const Look& look) {
  const Table table = view == TopView::backends  ? backend_table(data, rows, look)
                      : view == TopView::clients ? client_table(data, rows)
                                                 : exchange_table(data, rows);
  auto out = table.lines(columns);
  if (table.empty() && rows.count > 0) out.emplace_back("none");
  return out;
}

}  // namespace clasp::ctl

// See control_clients.h.
#include "daemon/control_clients.h"

#include <algorithm>

#include "base/calendar.h"
#include "base/text.h"
#include "core/exchange/cost_report.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kMostAccounts = 1000;

const char* kind_name(policy::AccountView::Kind kind) {
  using Kind = policy::AccountView::Kind;
  switch (kind) {
    case Kind::all:
      return "all";
    case Kind::client:
      return "client";
    case Kind::address:
      return "address";
    case Kind::others:
      break;
  }
  return "others";
}

const config::ClientSettings* find_client(const config::Settings& settings,
                                          const std::string& name) {
  for (const config::ClientSettings& client : settings.auth.clients)
    if (client.name == name) return &client;
  return nullptr;
}

json_t* account_object(const policy::AccountView& account, const config::Settings& settings) {
  json_t* out = json_object();
  set(out, "kind", text_value(kind_name(account.kind)));
  if (!account.name.empty()) set(out, "name", text_value(scrub_utf8(account.name)));
  if (account.rate.requests > 0) {
    set_count(out, "requests_limit", account.rate.requests);
    set_count(out, "requests_window_ms", static_cast<std::uint64_t>(account.rate.window_ms));
    set_count(out, "requests_burst", account.rate.burst);
    set_count(out, "requests_left", static_cast<std::uint64_t>(account.requests_left));
  }
  if (account.rate.tokens_per_minute > 0) {
    set_count(out, "tokens_per_minute", account.rate.tokens_per_minute);
    set_count(out, "tokens_left", static_cast<std::uint64_t>(account.tokens_left));
  }
  set_count(out, "running", account.running);
  if (account.kind == policy::AccountView::Kind::client)
    if (const auto* client = find_client(settings, account.name);
        client != nullptr && client->max_concurrency > 0)
      set_count(out, "max_concurrency", client->max_concurrency);
  return out;
}

json_t* client_object(const config::ClientSettings& client, std::int64_t unix_now) {
  json_t* out = json_object();
  set(out, "name", text_value(client.name));
  set_count(out, "keys", client.key_hashes.size());
  if (!client.certificate.empty())
    set(out, "certificate", text_value(scrub_utf8(client.certificate)));
  json_t* models = json_array();
  for (const std::string& model : client.models)
    json_array_append_new(models, text_value(scrub_utf8(model)));
  set(out, "models", models);
  if (client.expires > 0) set(out, "expires", text_value(render_instant(client.expires)));
  set(out, "expired", json_boolean(client.expires > 0 && unix_now >= client.expires));
  return out;
}

}  // namespace

void list_limits(ControlDesk& desk, ControlCall& call) {
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  const config::Settings& settings = *catalog->settings;
  const JsonPtr root(json_object());
  set(root.get(), "enabled", json_boolean(settings.rate_limit.enabled));
  set(root.get(), "scope",
      text_value(settings.rate_limit.scope == config::RateScope::global ? "global" : "client"));
  const RefusedCounts refused = desk.limits.refused();
  json_t* counts = json_object();
  set_count(counts, "requests", refused.requests);
  set_count(counts, "tokens", refused.tokens);
  set_count(counts, "concurrency", refused.concurrency);
  set_count(counts, "budget", refused.budget);
  set(root.get(), "refused", counts);
  json_t* list = json_array();
  for (const auto& account : desk.limits.accounts(desk.scheduler.now(), kMostAccounts))
    json_array_append_new(list, account_object(account, settings));
  set(root.get(), "limits", list);
  call.reply->send(200, root);
}

void list_keys(ControlDesk& desk, ControlCall& call) {
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  const JsonPtr root(json_object());
  set(root.get(), "required", json_boolean(catalog->clients.required()));
  json_t* list = json_array();
  for (const config::ClientSettings& client : catalog->settings->auth.clients)
    json_array_append_new(list, client_object(client, desk.scheduler.unix_seconds()));
  set(root.get(), "clients", list);
  call.reply->send(200, root);
}

void show_costs(ControlDesk& desk, ControlCall& call) {
  call.reply->send_text(
      200, "application/json",
      exchange::render_costs(desk.costs.snapshot(), desk.deeds.catalog()->settings->auth.clients,
                             desk.scheduler.unix_seconds()) +
          "\n");
}

}  // namespace clasp::daemon

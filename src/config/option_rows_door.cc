// The options about who may come in and how much they may ask: authentication, named clients,
// listeners, rate limits. Only data and the places where values are kept.
#include "config/option_rows.h"

// clang-format off
namespace clasp::config {
namespace {

constexpr std::int64_t kMany = 1'000'000'000;
constexpr std::int64_t kMillion = 1'000'000;  // a dollar

#define CLASP_CLIENT(member) \
  [](Draft& d, std::string_view) -> Slot { return &d.clients.back().member; }
#define CLASP_LISTENER(member) \
  [](Draft& d, std::string_view) -> Slot { return &d.listeners.back().member; }

void add_auth(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "auth", .key = "enabled", .flag = "auth", .env = "CLASP_AUTH", .domain = kBool,
     .default_text = "false", .help = "Only let clients in that send a key. On by itself where clients are configured.",
     .slot = CLASP_AT(settings.auth.enabled)},
    {.section = "auth", .key = "api_key", .flag = "auth-api-key", .env = "CLASP_AUTH_API_KEY",
     .domain = kSecret, .argument = "KEY",
     .help = "Key that clients must send, as x-api-key or as Authorization: Bearer.",
     .slot = CLASP_AT(auth_key)},
    {.section = "auth", .key = "api_key_file", .env = "CLASP_AUTH_API_KEY_FILE", .domain = kPath,
     .argument = "FILE", .help = "File whose content is that key.",
     .slot = CLASP_AT(auth_key_file)},
    {.section = "auth", .key = "keys_file", .env = "CLASP_AUTH_KEYS_FILE", .domain = kPath,
     .argument = "FILE",
     .help = "File with one client a line, NAME:sha256:HASH, besides those in [client NAME] sections.",
     .slot = CLASP_AT(client_keys_file)},
    {.section = "auth", .key = "allow_anonymous_health", .env = "CLASP_AUTH_ALLOW_ANONYMOUS_HEALTH",
     .domain = kBool, .default_text = "true", .help = "Answer /health, /healthz and /readyz without a key.",
     .slot = CLASP_AT(settings.auth.anonymous_health)},
    {.section = "auth", .key = "allow_anonymous_metrics", .env = "CLASP_AUTH_ALLOW_ANONYMOUS_METRICS",
     .domain = kBool, .default_text = "false", .help = "Answer /metrics, /costs and /providers/health without a key.",
     .slot = CLASP_AT(settings.auth.anonymous_metrics)},
    {.section = "backend", .key = "pass_client_key", .domain = kBool, .default_text = "false",
     .help = "Send the client's own key to this backend instead of api_key, which is then for health checks "
             "only. Clients need one that the backend knows.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().pass_client_key; }},
  });
}

void add_client(std::vector<Option>& rows) {
  const auto row = [&rows](Option option) {
    option.section = "client";
    rows.push_back(std::move(option));
  };
  row({.key = "key_hash", .domain = kList, .argument = "sha256:HASH",
       .help = "SHA-256 of its key, as claspctl key new prints it; several while a key is changed.",
       .slot = CLASP_CLIENT(key_hash)});
  row({.key = "key", .domain = kSecret, .argument = "KEY",
       .help = "The key itself; a hash is safer in a file.", .slot = CLASP_CLIENT(key)});
  row({.key = "key_file", .domain = kPath, .argument = "FILE", .help = "File whose content is the key.",
       .slot = CLASP_CLIENT(key_file)});
  row({.key = "certificate", .domain = kText, .argument = "NAME",
       .help = "Common name of its certificate, on listeners that ask for one.",
       .slot = CLASP_CLIENT(settings.certificate)});
  row({.key = "models", .domain = kList, .argument = "PATTERN,PATTERN",
       .help = "Models it may ask for, by the name that it sends; * and ? match any text.",
       .slot = CLASP_CLIENT(settings.models)});
  row({.key = "requests", .domain = number(0, kMany), .default_text = "0", .argument = "N",
       .help = "Requests per window; 0: no limit of its own.", .slot = CLASP_CLIENT(settings.rate.requests)});
  row({.key = "window", .domain = seconds(kSecond, kDay), .default_text = "60s", .argument = "TIME",
       .help = "Length of the window.", .slot = CLASP_CLIENT(settings.rate.window_ms)});
  row({.key = "burst", .domain = number(0, kMany), .default_text = "10", .argument = "N",
       .help = "Requests allowed at once beyond the steady rate.", .slot = CLASP_CLIENT(settings.rate.burst)});
  row({.key = "tokens_per_minute", .domain = number(0, kMany), .default_text = "0", .argument = "N",
       .help = "Tokens a minute, questions and answers together; 0: no limit of its own.",
       .slot = CLASP_CLIENT(settings.rate.tokens_per_minute)});
  row({.key = "max_concurrency", .domain = number(0, kMillion), .default_text = "0", .argument = "N",
       .help = "Requests at the same time; 0: no limit.", .slot = CLASP_CLIENT(settings.max_concurrency)});
  row({.key = "daily_budget", .domain = money(0, kMany * kMillion), .default_text = "0", .argument = "USD",
       .help = "Dollars it may spend in a day (UTC); 0: no limit.",
       .slot = CLASP_CLIENT(settings.daily_budget)});
  row({.key = "monthly_budget", .domain = money(0, kMany * kMillion), .default_text = "0", .argument = "USD",
       .help = "Dollars it may spend in a month (UTC); 0: no limit.",
       .slot = CLASP_CLIENT(settings.monthly_budget)});
  row({.key = "expires", .domain = kText, .argument = "DATE",
       .help = "Until when its keys are good: 2027-01-31 (the end of that day, UTC) or "
               "2027-01-31T12:00:00Z.",
       .slot = CLASP_CLIENT(expires)});
}

void add_listener(std::vector<Option>& rows) {
  const auto row = [&rows](Option option) {
    option.section = "listener";
    rows.push_back(std::move(option));
  };
  row({.key = "address", .domain = kText, .argument = "0.0.0.0:8443",
       .help = "As listen in [server]: ADDRESS, ADDRESS:PORT, [IPV6]:PORT or unix:/PATH. The default of "
               "listen is used only where there is no such section.",
       .slot = CLASP_LISTENER(address)});
  row({.key = "certificate", .domain = kList, .argument = "FILE,FILE",
       .help = "PEM files, each a certificate with its chain: makes it HTTPS. Of several the one for "
               "the name that the client asks for is shown, else the first one.",
       .slot = CLASP_LISTENER(certificate)});
  row({.key = "private_key", .domain = kList, .argument = "FILE,FILE",
       .help = "PEM files with their private keys, in the same order; without it they are looked for in "
               "the certificates' files.",
       .slot = CLASP_LISTENER(private_key)});
  row({.key = "min_tls", .domain = {Kind::choice, 0, 0, "1.2|1.3"}, .default_text = "1.2",
       .argument = "VERSION", .help = "Oldest version of TLS.", .slot = CLASP_LISTENER(min_tls)});
  row({.key = "client_ca", .domain = kPath, .argument = "FILE",
       .help = "PEM file with the authorities of client certificates.", .slot = CLASP_LISTENER(client_ca)});
  row({.key = "client_certificates", .domain = {Kind::choice, 0, 0, "off|optional|required"},
       .default_text = "off", .argument = "WHEN",
       .help = "Ask clients for a certificate. Its common name may stand for a client's key: certificate "
               "in [client NAME].",
       .slot = CLASP_LISTENER(client_certificates)});
  row({.key = "proxy_protocol", .domain = kBool, .default_text = "false",
       .help = "Connections begin with a PROXY header (version 1 or 2), which is believed from "
               "trusted_proxies; others are refused.",
       .slot = CLASP_LISTENER(proxy_protocol)});
  row({.key = "mode", .domain = kText, .default_text = "0660", .argument = "MODE",
       .help = "Of a Unix socket: who may connect.", .slot = CLASP_LISTENER(mode)});
  row({.key = "group", .domain = kText, .argument = "GROUP", .help = "Of a Unix socket: its group.",
       .slot = CLASP_LISTENER(group)});
  rows.push_back({.section = "server", .key = "trusted_proxies", .env = "CLASP_TRUSTED_PROXIES",
       .domain = kList, .argument = "10.0.0.0/8",
       .help = "Addresses or networks, such as 10.0.0.0/8, whose X-Forwarded-For and PROXY headers say who "
               "the client is; unix stands for all Unix sockets.",
       .slot = CLASP_AT(trusted_proxies)});
}

void add_rate_limit(std::vector<Option>& rows) {
  const auto row = [&rows](Option option) {
    option.section = "rate_limit";
    rows.push_back(std::move(option));
  };
  row({.key = "enabled", .flag = "rate-limit", .env = "CLASP_RATE_LIMIT", .domain = kBool,
       .default_text = "false", .help = "Limit how many requests are accepted.",
       .slot = CLASP_AT(settings.rate_limit.enabled)});
  row({.key = "requests", .flag = "rate-limit-requests", .env = "CLASP_RATE_LIMIT_REQUESTS",
       .domain = number(1, kMany), .default_text = "60", .argument = "N", .help = "Requests per window.",
       .slot = CLASP_AT(settings.rate_limit.rate.requests)});
  row({.key = "window", .flag = "rate-limit-window", .env = "CLASP_RATE_LIMIT_WINDOW",
       .domain = seconds(kSecond, kDay), .default_text = "60s", .argument = "TIME",
       .help = "Length of the window.", .slot = CLASP_AT(settings.rate_limit.rate.window_ms)});
  row({.key = "burst", .flag = "rate-limit-burst", .env = "CLASP_RATE_LIMIT_BURST",
       .domain = number(0, kMany), .default_text = "10", .argument = "N",
       .help = "Requests allowed at once beyond the steady rate.",
       .slot = CLASP_AT(settings.rate_limit.rate.burst)});
  row({.key = "tokens_per_minute", .env = "CLASP_RATE_LIMIT_TOKENS", .domain = number(0, kMany),
       .default_text = "0", .argument = "N",
       .help = "Tokens a minute, questions and answers together; 0: no limit.",
       .slot = CLASP_AT(settings.rate_limit.rate.tokens_per_minute)});
  row({.key = "per", .env = "CLASP_RATE_LIMIT_PER", .domain = {Kind::choice, 0, 0, "global|client"},
       .default_text = "global", .argument = "WHOM",
       .help = "global: all clients share one limit. client: each client that is known by name has its own, "
               "and each address of others; an IPv6 address counts by its first 64 bits.",
       .slot = CLASP_AT(rate_limit_scope)});
}

}  // namespace

void add_door_rows(std::vector<Option>& rows) {
  add_listener(rows);
  add_auth(rows);
  add_client(rows);
  add_rate_limit(rows);
}

}  // namespace clasp::config

// The options of the response cache, prices, costs and tracing. Only data and the places where
// values are kept.
#include "config/option_rows.h"

// clang-format off
namespace clasp::config {
namespace {

constexpr std::int64_t kMany = 1'000'000'000;
constexpr std::int64_t kMillion = 1'000'000;  // a dollar

#define CLASP_PRICE(member) [](Draft& d, std::string_view) -> Slot { return &d.prices.back().member; }

void add_cache(std::vector<Option>& rows) {
  const auto row = [&rows](Option option) {
    option.section = "cache";
    rows.push_back(std::move(option));
  };
  row({.key = "enabled", .flag = "cache", .env = "CLASP_CACHE", .domain = kBool, .default_text = "false",
       .help = "Answer repeated requests from memory: plain ones whose temperature is not above 0.",
       .slot = CLASP_AT(settings.cache.enabled)});
  row({.key = "max_size", .flag = "cache-max-size", .env = "CLASP_CACHE_MAX_SIZE",
       .domain = number(1, kMany), .default_text = "1000", .argument = "N",
       .help = "Entries at most; those not used for longest make room.",
       .slot = CLASP_AT(settings.cache.max_size)});
  row({.key = "ttl", .flag = "cache-ttl", .env = "CLASP_CACHE_TTL", .domain = seconds(0, 365 * kDay),
       .default_text = "3600s", .argument = "TIME", .help = "How long an entry is used; 0: not at all, and only requests at the same time share an answer.",
       .slot = CLASP_AT(settings.cache.ttl_ms)});
  row({.key = "max_bytes", .env = "CLASP_CACHE_MAX_BYTES", .domain = bytes(1 << 16, 1LL << 40),
       .default_text = "256M", .argument = "SIZE", .help = "Memory for all entries together.",
       .slot = CLASP_AT(settings.cache.max_bytes)});
  row({.key = "per_client", .env = "CLASP_CACHE_PER_CLIENT", .domain = kBool, .default_text = "false",
       .help = "No client is answered with what another one has asked.",
       .slot = CLASP_AT(settings.cache.per_client)});
  row({.key = "streams", .env = "CLASP_CACHE_STREAMS", .domain = kBool, .default_text = "false",
       .help = "Keep and answer streams too, not only plain answers.",
       .slot = CLASP_AT(settings.cache.streams)});
  row({.key = "unset_temperature", .env = "CLASP_CACHE_UNSET_TEMPERATURE", .domain = kBool,
       .default_text = "true",
       .help = "Requests that name no temperature are cached too, although backends then answer the same words "
               "differently.",
       .slot = CLASP_AT(settings.cache.unset_temperature)});
  row({.key = "coalesce", .env = "CLASP_CACHE_COALESCE", .domain = kBool, .default_text = "true",
       .help = "A request that is being answered already is not sent again: the second one gets the "
               "first one's answer.",
       .slot = CLASP_AT(settings.cache.coalesce)});
}

void add_costs(std::vector<Option>& rows) {
  const auto row = [&rows](Option option) {
    rows.push_back(std::move(option));
  };
  row({.section = "costs", .key = "file", .env = "CLASP_COSTS_FILE", .domain = kPath, .argument = "FILE",
       .help = "Where is kept what was spent, so that budgets survive a restart. Without it a file in the "
               "state directory that systemd gives; without that, memory only.",
       .slot = CLASP_AT(settings.costs.file)});
  const Domain price = money(0, kMany * kMillion);
  row({.section = "price", .key = "backend", .domain = {Kind::text, 0, 0, "openai"}, .argument = "NAME",
       .help = "Only on this backend, by its name.", .slot = CLASP_PRICE(rule.backend)});
  row({.section = "price", .key = "input", .domain = price, .argument = "USD",
       .help = "Dollars per million tokens of a request.", .slot = CLASP_PRICE(input)});
  row({.section = "price", .key = "output", .domain = price, .argument = "USD",
       .help = "Dollars per million tokens of an answer.", .slot = CLASP_PRICE(output)});
  row({.section = "price", .key = "cache_read", .domain = price, .argument = "USD",
       .help = "Of those of a request, the ones that the backend had in its prompt cache; as input unless "
               "set.",
       .slot = CLASP_PRICE(cache_read)});
  row({.section = "price", .key = "cache_write", .domain = price, .argument = "USD",
       .help = "And the ones that it put there; as input unless set.", .slot = CLASP_PRICE(cache_write)});
}

void add_metrics(std::vector<Option>& rows) {
  rows.push_back({.section = "metrics", .key = "enabled", .env = "CLASP_METRICS", .domain = kBool,
                  .default_text = "true",
                  .help = "Count requests, and answer /metrics and /metrics/prometheus.",
                  .slot = CLASP_AT(settings.metrics)});
}

void add_tracing(std::vector<Option>& rows) {
  const auto row = [&rows](Option option) {
    option.section = "tracing";
    rows.push_back(std::move(option));
  };
  row({.key = "forward", .env = "CLASP_TRACING_FORWARD", .domain = kBool, .default_text = "true",
       .help = "Send a client's traceparent and tracestate (W3C) on to backends.",
       .slot = CLASP_AT(settings.tracing.forward)});
  row({.key = "otlp_url", .env = "CLASP_OTLP_URL", .domain = kUrl, .argument = "URL",
       .help = "Send a span of each request there, as OTLP over HTTP (JSON), such as "
               "http://127.0.0.1:4318/v1/traces. Without it nothing is exported.",
       .slot = CLASP_AT(settings.tracing.otlp_url)});
  row({.key = "header.*", .domain = kText, .argument = "VALUE",
       .help = "Extra header of the requests that carry spans, such as header.Authorization.",
       .slot = [](Draft& d, std::string_view rest) -> Slot {
         return &d.settings.tracing.headers[std::string(rest)];
       }});
}

void add_control(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "control", .key = "socket", .flag = "control-socket", .env = "CLASP_CONTROL_SOCKET",
     .domain = kText, .default_text = "auto", .argument = "PATH",
     .help = "Unix socket that claspctl talks to. auto: control.sock in the runtime directory that systemd "
             "gives, in /run/clasp for root, else in the folder clasp of $XDG_RUNTIME_DIR. off: none.",
     .slot = CLASP_AT(settings.control.socket)},
    {.section = "control", .key = "mode", .env = "CLASP_CONTROL_MODE", .domain = kText,
     .default_text = "0660", .argument = "MODE",
     .help = "Who may connect and so read; only root and the daemon's user may change something.",
     .slot = CLASP_AT(control_mode)},
    {.section = "control", .key = "group", .env = "CLASP_CONTROL_GROUP", .domain = kText,
     .argument = "GROUP", .help = "Group of the socket.", .slot = CLASP_AT(settings.control.group)},
  });
}

}  // namespace

void add_dial_rows(std::vector<Option>& rows) {
  rows.push_back({.section = "log", .key = "debug_bytes", .env = "CLASP_DEBUG_BYTES",
                  .domain = bytes(256, 64 << 20), .default_text = "16K", .argument = "SIZE",
                  .help = "Of each body that is logged, at most this much; data of pictures and files is "
                          "shortened before.",
                  .slot = CLASP_AT(settings.debug_bytes)});
  add_cache(rows);
  add_costs(rows);
  add_metrics(rows);
  add_tracing(rows);
  add_control(rows);
}

}  // namespace clasp::config

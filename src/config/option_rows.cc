// The options that work. Only data and the places where values are kept; nothing here parses or
// decides.
#include "config/option_rows.h"

#include "base/text.h"
#include "config/presets.h"

// Rows are a table and stay one line per thought.
// clang-format off
namespace clasp::config {
namespace {

constexpr std::int64_t kMega = 1 << 20;

void add_server(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "server", .key = "listen", .flag = "listen", .env = "CLASP_LISTEN", .domain = kList,
     .default_text = "127.0.0.1", .argument = "ADDRESS",
     .help = "Where to accept clients: ADDRESS, ADDRESS:PORT, [IPV6]:PORT or unix:/PATH. "
             "May be given several times; * stands for all IPv4 addresses.",
     .slot = CLASP_AT(listen)},
    {.section = "server", .key = "port", .flag = "port", .env = "CLASP_PORT", .domain = number(0, 65535),
     .default_text = "8080", .argument = "N",
     .help = "Port of every listen address that names none; 0 takes any free one.", .slot = CLASP_AT(port)},
    {.section = "server", .key = "workers", .flag = "workers", .env = "CLASP_WORKERS",
     .domain = number(0, 256), .default_text = "0", .argument = "N",
     .help = "Worker threads; 0 means one per processor.", .slot = CLASP_AT(settings.workers)},
    {.section = "server", .key = "strict", .flag = "strict", .env = "CLASP_STRICT", .domain = kBool,
     .default_text = "false",
     .help = "Refuse requests that a backend can only answer with something left out, instead of "
             "degrading them with a warning.",
     .slot = CLASP_AT(settings.strict)},
    {.section = "server", .key = "demo_if_unconfigured", .flag = "demo-if-unconfigured",
     .env = "CLASP_DEMO_IF_UNCONFIGURED", .domain = kBool, .default_text = "false",
     .help = "Serve canned demo answers, and say so loudly, when no provider is configured, instead of "
             "refusing to start.",
     .slot = CLASP_AT(demo_if_unconfigured)},
    {.section = "server", .key = "ca_file", .flag = "ca-file", .env = "CLASP_CA_FILE", .domain = kPath,
     .argument = "FILE", .help = "Certificates (PEM) to trust besides the system's, for all backends.",
     .slot = CLASP_AT(settings.ca_file)},
    {.section = "server", .key = "cors_origins", .flag = "cors-origins", .env = "CLASP_CORS_ORIGINS",
     .domain = kList, .argument = "https://HOST",
     .help = "Origins, such as https://app.example, whose pages in browsers may use CLASP directly; * admits "
             "every page that its users open. Without it no page can.",
     .slot = CLASP_AT(settings.cors_origins)},
    {.flag = "proxy-only", .domain = kBool, .default_text = "false",
     .help = "Run the proxy only. CLASP always does; accepted for older start scripts.",
     .slot = CLASP_AT(proxy_only)},
    {.flag = "exit-with-parent", .domain = kBool, .default_text = "false",
     .help = "Drain and end, as after SIGTERM, when the program that started this one ends, however it does.",
     .slot = CLASP_AT(exit_with_parent)},
  });
}

void add_log(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "log", .key = "level", .flag = "log-level", .env = "CLASP_LOG_LEVEL",
     .domain = {Kind::choice, 0, 0, "debug|info|warn|error"}, .default_text = "info", .argument = "LEVEL",
     .help = "Least important messages to log: debug, info, warn or error.", .slot = CLASP_AT(log_level)},
    {.section = "log", .key = "debug", .flag = "debug", .env = "CLASP_DEBUG", .domain = kBool,
     .default_text = "false", .help = "Log at level debug, with all requests and responses.",
     .slot = CLASP_AT(debug)},
    {.section = "log", .key = "debug_requests", .flag = "debug-requests", .env = "CLASP_DEBUG_REQUESTS",
     .domain = kBool, .default_text = "false", .help = "Log requests as received and as sent on.",
     .slot = CLASP_AT(settings.debug_requests)},
    {.section = "log", .key = "debug_responses", .flag = "debug-responses",
     .env = "CLASP_DEBUG_RESPONSES", .domain = kBool, .default_text = "false",
     .help = "Log responses as received and as sent on.", .slot = CLASP_AT(settings.debug_responses)},
  });
}

// The provider names as suggestions for completion; other words are possible.
std::string_view provider_words() {
  static const std::string words = [] {
    std::string out;
    for (const Preset& preset : presets())
      out.append(out.empty() ? "" : "|").append(preset.name);
    return out;
  }();
  return words;
}

void add_backend(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "backend", .key = "provider", .flag = "provider", .env = "PROVIDER CLASP_PROVIDER",
     .domain = {Kind::text, 0, 0, provider_words()}, .argument = "NAME",
     .help = "Kind of API behind CLASP: " + preset_names() + "; on the command line also the NAME of a "
             "[backend NAME] section. When it is not set, the first one from openai to custom is used whose "
             "key or address is set.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().provider; }},
    {.section = "backend", .key = "base_url", .flag = "base-url", .env = "CLASP_BASE_URL", .domain = kUrl,
     .argument = "URL",
     .help = "Address of the API; /v1 is added when it has no path. Overrides the provider's own "
             "variable and default.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().base_url; }},
    {.section = "backend", .key = "api_key", .flag = "api-key", .domain = kSecret, .argument = "KEY",
     .help = "Key for the API. On the command line every user of the machine can read it in the "
             "process list; prefer the provider's variable or api_key_file.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().api_key; }},
    {.section = "backend", .key = "api_key_file", .flag = "api-key-file", .env = "CLASP_API_KEY_FILE",
     .domain = kPath, .argument = "FILE", .help = "File whose content is the key.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().api_key_file; }},
    {.section = "backend", .key = "api_keys", .domain = kList, .argument = "KEY,KEY",
     .help = "More keys for the same API, used in turn with the first one; a key that is refused rests "
             "for a while. A file given as api_key_file may hold several, one a line.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().more_keys; }},
    {.section = "backend", .key = "max_concurrency", .flag = "max-concurrency",
     .env = "CLASP_MAX_CONCURRENCY", .domain = number(0, 1'000'000), .default_text = "0", .argument = "N",
     .help = "Requests that this backend gets at the same time; more of them wait in the queue (or "
             "are refused with 529 where there is none). 0 means no limit.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().max_concurrency; }},
    {.section = "backend", .key = "model", .domain = kText, .argument = "MODEL",
     .help = "Model that this backend is asked for when no alias and no tier mapping applies.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().model; }},
    {.section = "backend", .key = "dialect", .flag = "dialect", .env = "CLASP_DIALECT",
     .domain = {Kind::choice, 0, 0,
                "openai|azure|openrouter|ollama|vllm|llamacpp|lmstudio|deepseek|gemini|vertex|xai|mistral|groq|generic|"
                "anthropic"},
     .argument = "NAME",
     .help = "How requests are spelled, when the provider's own way is wrong: openai, azure, openrouter, "
             "ollama, vllm, llamacpp, lmstudio, deepseek, gemini, vertex, xai, mistral, groq or generic; or anthropic for a server that "
             "speaks the Messages API itself, to which requests are passed on as they are.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().dialect; }},
    {.section = "backend", .key = "responses", .domain = kResponsesUse, .argument = "WHEN",
     .help = "Ask over the Responses API: true always, false never; auto, which counts without it, where a "
             "model or request of OpenAI's or Azure's needs it. The same as flag.responses.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().flags["responses"]; }},
    {.section = "backend", .key = "azure_deployment", .flag = "azure-deployment",
     .env = "AZURE_DEPLOYMENT_NAME", .domain = kText, .argument = "NAME",
     .help = "Azure: deployment to use. Without it the model's name is taken as the deployment.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().azure_deployment; }},
    {.section = "backend", .key = "azure_api_version", .flag = "azure-api-version",
     .env = "AZURE_API_VERSION", .domain = kText, .default_text = "2024-02-15-preview",
     .argument = "VERSION",
     .help = "Azure: version of the deployment API; v1 selects the newer API without versions, which "
             "an address ending in /openai/v1 does too.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().azure_api_version; }},
    {.section = "backend", .key = "header.*", .domain = kText, .argument = "VALUE",
     .help = "Extra header of every request to this backend, such as header.HTTP-Referer.",
     .slot = [](Draft& d, std::string_view rest) -> Slot { return &d.backend().headers[std::string(rest)]; }},
    {.section = "backend", .key = "flag.*", .domain = kText, .argument = "VALUE",
     .help = "Overrides one capability of the dialect, such as flag.stream_options = false.",
     .slot = [](Draft& d, std::string_view rest) -> Slot { return &d.backend().flags[std::string(rest)]; }},
  });
}

// Key and address variables of every provider.
void add_providers(std::vector<Option>& rows) {
  for (const Preset& preset : presets()) {
    const std::string name(preset.name);
    const std::string label(preset.label);
    if (!preset.key_env.empty())
      rows.push_back({.section = "providers", .key = name + "_api_key", .env = std::string(preset.key_env),
                      .domain = kSecret, .argument = "KEY", .help = "Key for " + label + ".",
                      .slot = [name](Draft& d, std::string_view) -> Slot { return &d.credentials[name].key; }});
    if (!preset.url_env.empty())
      rows.push_back({.section = "providers", .key = name + "_base_url", .env = std::string(preset.url_env),
                      .domain = kUrl, .default_text = std::string(preset.base_url), .argument = "URL",
                      .help = "Address of " + label + "." +
                              (name == "anthropic" ? " ANTHROPIC_BASE_URL is not read: for Claude Code it "
                                                     "is the address of CLASP."
                                                   : ""),
                      .slot = [name](Draft& d, std::string_view) -> Slot { return &d.credentials[name].base_url; }});
  }
}

void add_models(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "models", .key = "default", .flag = "model", .env = "CLASP_MODEL CLASP_DEFAULT_MODEL",
     .domain = kText, .argument = "MODEL",
     .help = "Model to ask for when no alias and no tier mapping applies. Without it the client's "
             "name is passed on.",
     .slot = CLASP_AT(settings.models.default_model)},
    {.section = "models", .key = "opus", .env = "CLASP_MODEL_OPUS", .domain = kText, .argument = "MODEL",
     .help = "Model for names that contain \"opus\".", .slot = CLASP_AT(settings.models.opus)},
    {.section = "models", .key = "sonnet", .env = "CLASP_MODEL_SONNET", .domain = kText, .argument = "MODEL",
     .help = "Model for names that contain \"sonnet\".", .slot = CLASP_AT(settings.models.sonnet)},
    {.section = "models", .key = "haiku", .env = "CLASP_MODEL_HAIKU", .domain = kText, .argument = "MODEL",
     .help = "Model for names that contain \"haiku\".", .slot = CLASP_AT(settings.models.haiku)},
    {.section = "models", .key = "unknown_models", .flag = "unknown-models", .env = "CLASP_UNKNOWN_MODELS",
     .domain = {Kind::choice, 0, 0, "pass|refuse"}, .default_text = "pass", .argument = "WHAT",
     .help = "What happens to a name that nothing maps: pass it on as it is, or refuse it with 404. Names "
             "of [model NAME] sections without * and ? are known.",
     .slot = CLASP_AT(unknown_models)},
    {.section = "models", .key = "vocabulary", .env = "CLASP_VOCABULARY", .domain = kText,
     .default_text = "auto", .argument = "FILE",
     .help = "The file o200k_base.tiktoken, with which count_tokens counts for OpenAI's models whose backend "
             "does not count itself. auto: in share/clasp beside the program's folder, else in "
             "/usr/local/share/clasp. Without it, and with off, the estimate is the answer.",
     .slot = CLASP_AT(settings.models.vocabulary)},
    {.section = "aliases", .env = "CLASP_MODEL_ALIASES", .domain = kList, .argument = "ALIAS:MODEL",
     .help = "Other names for models, as alias:model pairs. Stronger than [aliases] and CLASP_ALIAS_*.",
     .slot = CLASP_AT(alias_list)},
    {.section = "aliases", .key = "*", .env = "CLASP_ALIAS_*", .domain = kText, .argument = "MODEL",
     .help = "Model that the name stands for; * and ? in the name match any text. A variable's name "
             "is taken in lower case, CLASP_ALIAS_FAST defines fast.",
     .slot = [](Draft& d, std::string_view rest) -> Slot {
       return &d.settings.models.aliases[to_lower(rest)];
     }},
  });
}

void add_timeouts(std::vector<Option>& rows) {
  const auto row = [&rows](std::string key, std::string flag, std::string env, Domain domain,
                           std::string value, SlotFinder slot, std::string help) {
    rows.push_back({.section = "timeouts", .key = std::move(key), .flag = std::move(flag),
                    .env = std::move(env), .domain = domain, .default_text = std::move(value),
                    .argument = "TIME", .help = std::move(help), .slot = std::move(slot)});
  };
  row("backend_idle", "http-timeout", "CLASP_HTTP_TIMEOUT", seconds(kSecond, kDay), "300s",
      CLASP_AT(settings.timeouts.backend_idle_ms),
      "A backend that sends no byte for so long has failed; counts for the first byte and between bytes.");
  row("first_byte", "", "CLASP_FIRST_BYTE_TIMEOUT", seconds(0, kDay), "0", CLASP_AT(settings.timeouts.first_byte_ms),
      "Time from a request to the first byte of its answer, when it should differ from backend_idle; 0 "
      "means it does not.");
  row("total", "", "CLASP_TOTAL_TIMEOUT", seconds(0, kDay), "0", CLASP_AT(settings.timeouts.total_ms),
      "Time for a whole answer, retries and waiting included; 0 means no limit. Long answers of slow "
      "models are not failures: prefer backend_idle.");
  row("connect", "", "CLASP_CONNECT_TIMEOUT", seconds(10, 10 * kMinute), "10s",
      CLASP_AT(settings.timeouts.connect_ms), "Time to open a connection to a backend.");
  row("tls", "", "CLASP_TLS_TIMEOUT", seconds(10, 10 * kMinute), "10s",
      CLASP_AT(settings.timeouts.tls_ms), "Time for the TLS handshake with a backend.");
  row("answer_grace", "", "CLASP_ANSWER_GRACE", seconds(0, 10 * kMinute), "10s",
      CLASP_AT(settings.timeouts.answer_grace_ms),
      "A stream waits so long for its first content before it is begun, so that an early failure can "
      "still become an HTTP error.");
  row("ping", "", "CLASP_PING_INTERVAL", seconds(kSecond, 10 * kMinute), "10s",
      CLASP_AT(settings.timeouts.ping_ms), "Pause in a stream after which the client gets a ping.");
  row("client_header", "", "CLASP_CLIENT_HEADER_TIMEOUT", seconds(kSecond, kHour), "15s",
      CLASP_AT(settings.timeouts.client_header_ms), "Time for a client to send the head of a request.");
  row("client_body", "", "CLASP_CLIENT_BODY_TIMEOUT", seconds(kSecond, kHour), "60s",
      CLASP_AT(settings.timeouts.client_body_ms), "Longest pause inside a request's body.");
  row("client_idle", "", "CLASP_CLIENT_IDLE_TIMEOUT", seconds(kSecond, kDay), "120s",
      CLASP_AT(settings.timeouts.client_idle_ms), "How long a connection without a request is kept.");
  row("client_write", "", "CLASP_CLIENT_WRITE_TIMEOUT", seconds(kSecond, kHour), "60s",
      CLASP_AT(settings.timeouts.client_write_ms),
      "A client that takes no byte of its answer for so long is disconnected.");
  row("reasoning_state", "", "CLASP_REASONING_STATE_LIFE", seconds(0, kDay), "1h",
      CLASP_AT(settings.timeouts.reasoning_state_ms),
      "Reasoning state of tool calls is remembered so long after its last use, for clients that do not "
      "send thinking blocks back; 0 remembers nothing.");
  row("drain", "", "CLASP_DRAIN_TIMEOUT", seconds(0, kDay), "30s", CLASP_AT(settings.timeouts.drain_ms),
      "Time that open requests get to finish after SIGTERM.");
}

void add_limits(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "limits", .key = "max_body", .flag = "max-body", .env = "CLASP_MAX_BODY",
     .domain = bytes(1024, 1024 * kMega), .default_text = "32M", .argument = "SIZE",
     .help = "Largest request body; a larger one is answered with 413.",
     .slot = CLASP_AT(settings.limits.body_bytes)},
    {.section = "limits", .key = "max_response", .env = "CLASP_MAX_RESPONSE",
     .domain = bytes(1024, 4096 * kMega), .default_text = "64M", .argument = "SIZE",
     .help = "Largest answer of a backend that is not a stream.",
     .slot = CLASP_AT(settings.limits.response_bytes)},
    {.section = "limits", .key = "max_connections", .flag = "max-connections",
     .env = "CLASP_MAX_CONNECTIONS", .domain = number(1, 1'000'000), .default_text = "10000",
     .argument = "N", .help = "Open client connections, all workers together.",
     .slot = CLASP_AT(settings.limits.connections)},
    {.section = "limits", .key = "pool_idle", .env = "CLASP_POOL_IDLE", .domain = number(0, 10'000),
     .default_text = "64", .argument = "N",
     .help = "Idle connections kept per backend and worker.", .slot = CLASP_AT(settings.limits.pool_idle)},
    {.section = "limits", .key = "reasoning_state", .env = "CLASP_REASONING_STATE_SIZE",
     .domain = bytes(0, 4096 * kMega), .default_text = "64M", .argument = "SIZE",
     .help = "Memory for the reasoning state of tool calls, for clients that do not send thinking blocks "
             "back; 0 remembers nothing.",
     .slot = CLASP_AT(settings.limits.reasoning_state_bytes)},
  });
}

void add_media(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "media", .key = "fetch_remote", .flag = "fetch-remote", .env = "CLASP_FETCH_REMOTE",
     .domain = kBool, .default_text = "false",
     .help = "Fetch pictures and PDFs that a request names by URL, for backends that take only data. From the "
             "public Internet only, without any proxy.",
     .slot = CLASP_AT(settings.media.fetch_remote)},
    {.section = "media", .key = "fetch_networks", .env = "CLASP_FETCH_NETWORKS", .domain = kList,
     .argument = "10.1.0.0/16",
     .help = "Networks that are not public and may be fetched from all the same, such as 10.1.0.0/16.",
     .slot = CLASP_AT(fetch_networks)},
    {.section = "media", .key = "pdf_text", .flag = "pdf-text", .env = "CLASP_PDF_TEXT",
     .domain = {Kind::choice, 0, 0, "auto|off"}, .default_text = "auto", .argument = "MODE",
     .help = "Send the text of PDFs to backends that take no files: auto does so where the program pdftotext "
             "is installed, off never.",
     .slot = CLASP_AT(pdf_text)},
  });
}

void add_commands(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.flag = "config", .env = "CLASP_CONFIG_FILE", .domain = kPath, .argument = "FILE",
     .help = "Configuration file. Otherwise the first of ./clasp.conf, "
             "$XDG_CONFIG_HOME/clasp/clasp.conf and /etc/clasp/clasp.conf that exists.",
     .slot = CLASP_AT(config_file)},
    {.flag = "check", .domain = kBool, .help = "Check the configuration, report and exit.",
     .slot = CLASP_AT(check)},
    {.flag = "models", .domain = kBool, .help = "List the models that the backend offers and exit.",
     .slot = CLASP_AT(models)},
    {.flag = "version", .domain = kBool, .help = "Show the version and exit.", .slot = CLASP_AT(version)},
    {.flag = "help", .domain = kBool, .help = "Show this help and exit.", .slot = CLASP_AT(help)},
    {.flag = "emit", .domain = {Kind::choice, 0, 0, "sample|man-options|man-environment|man-file|bash|zsh"},
     .argument = "KIND", .help = "Print a file that is made from the option table and exit.",
     .slot = CLASP_AT(emit), .hidden = true},
  });
}

}  // namespace

void add_available_rows(std::vector<Option>& rows) {
  add_commands(rows);
  add_server(rows);
  add_backend(rows);
  add_backend_model_rows(rows);
  add_providers(rows);
  add_models(rows);
  add_model_rows(rows);
  add_translation_rows(rows);
  add_resilience_rows(rows);
  add_timeouts(rows);
  add_limits(rows);
  add_media(rows);
  add_log(rows);
}

}  // namespace clasp::config

// The options of [model PATTERN], of [translation] and those of a backend that go with them. Only
// data and the places where values are kept.
#include "config/option_rows.h"

// clang-format off
namespace clasp::config {
namespace {

#define CLASP_MODEL(member) [](Draft& d, std::string_view) -> Slot { return &d.model().member; }
#define CLASP_TRANSLATION(member) \
  [](Draft& d, std::string_view) -> Slot { return &d.settings.translation.member; }

}  // namespace

void add_backend_model_rows(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "backend", .key = "body.*", .domain = kText, .argument = "JSON",
     .help = "Adds a member to every request to this backend, such as "
             "body.chat_template_kwargs = {\"enable_thinking\": false}. What CLASP writes itself wins.",
     .slot = [](Draft& d, std::string_view rest) -> Slot { return &d.backend().body[std::string(rest)]; }},
    {.section = "backend", .key = "context_window", .domain = number(0, kMostTokens), .default_text = "0",
     .argument = "N",
     .help = "Tokens that fit into its models, question and answer together; 0: not known. On Ollama "
             "this is num_ctx, and what is longer is refused instead of cut.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().context_window; }},
    {.section = "backend", .key = "geo", .domain = kList, .argument = "REGION",
     .help = "Values of the request's inference_geo that this backend serves, such as us, eu; the first "
             "backend that serves it is asked.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.backend().geo; }},
  });
}

void add_model_rows(std::vector<Option>& rows) {
  rows.insert(rows.end(), {
    {.section = "model", .key = "backend", .domain = {Kind::text, 0, 0, "openai"}, .argument = "NAME",
     .help = "Only on this backend, by its name.", .slot = CLASP_MODEL(backend)},
    {.section = "model", .key = "display_name", .domain = kText, .argument = "TEXT",
     .help = "Name for people in the list of models.", .slot = CLASP_MODEL(display_name)},
    {.section = "model", .key = "max_output", .domain = number(0, kMostTokens), .default_text = "0",
     .argument = "N", .help = "Largest max_tokens it takes; larger ones are cut down to it. 0: not known.",
     .slot = CLASP_MODEL(max_output)},
    {.section = "model", .key = "context_window", .domain = number(0, kMostTokens), .default_text = "0",
     .argument = "N", .help = "Tokens that fit into it, question and answer together. 0: not known.",
     .slot = CLASP_MODEL(context_window)},
    {.section = "model", .key = "vision", .domain = kBool, .default_text = "true",
     .help = "It takes images; without that a word takes their place.", .slot = CLASP_MODEL(vision)},
    {.section = "model", .key = "responses", .domain = kResponsesUse, .argument = "WHEN",
     .help = "Ask it over the Responses API (true, false or auto), stronger than responses of the backend.",
     .slot = [](Draft& d, std::string_view) -> Slot { return &d.model().flags["responses"]; }},
    {.section = "model", .key = "flag.*", .domain = kText, .argument = "VALUE",
     .help = "Overrides one capability of the dialect, stronger than flag.NAME of the backend.",
     .slot = [](Draft& d, std::string_view rest) -> Slot { return &d.model().flags[std::string(rest)]; }},
    {.section = "model", .key = "body.*", .domain = kText, .argument = "JSON",
     .help = "Adds a member to every request for it, stronger than body.NAME of the backend.",
     .slot = [](Draft& d, std::string_view rest) -> Slot { return &d.model().body[std::string(rest)]; }},
  });
}

void add_translation_rows(std::vector<Option>& rows) {
  const auto row = [&rows](std::string key, std::string env, std::string value, std::string help,
                           SlotFinder slot) {
    rows.push_back({.section = "translation", .key = std::move(key), .env = std::move(env), .domain = kBool,
                    .default_text = std::move(value), .help = std::move(help), .slot = std::move(slot)});
  };
  row("hidden_allowance", "CLASP_HIDDEN_ALLOWANCE", "true",
      "A model that cannot stop reasoning gets 4096 to 16384 tokens beyond max_tokens when the client did "
      "not ask for thinking, so that a small cap leaves room for an answer.",
      CLASP_TRANSLATION(hidden_allowance));
  row("fast_tier", "CLASP_FAST_TIER", "false",
      "The request's speed \"fast\" becomes service_tier \"priority\" on openai and azure. It costs more.",
      CLASP_TRANSLATION(fast_tier));
  row("long_cache", "CLASP_LONG_CACHE", "false",
      "Cache hints that ask for an hour make gpt-5.6 and later keep the prompt for 12 hours. It costs more.",
      CLASP_TRANSLATION(long_cache));
  row("policy_as_error", "CLASP_POLICY_AS_ERROR", "false",
      "A prompt that the backend's policy blocks is answered with 400 instead of a message whose "
      "stop_reason is refusal.",
      CLASP_TRANSLATION(policy_as_error));
  row("geo_enforce", "CLASP_GEO_ENFORCE", "false",
      "Refuse a request whose inference_geo no backend serves, instead of warning. For the whole server only.",
      CLASP_TRANSLATION(geo_enforce));
  row("input_token_limits", "CLASP_INPUT_TOKEN_LIMITS", "false",
      "Tell clients a backend's rate limits of tokens as limits of input tokens too. For the whole server only.",
      CLASP_TRANSLATION(input_token_limits));
}

}  // namespace clasp::config

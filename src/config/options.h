// THE option table: one row per option, from which the parser of flags, environment and file, the
// help text, the sample file, the manual pages and the completions come. A new option is one row
// here and one field in settings.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"
#include "config/value.h"

namespace clasp::config {

// A backend as the sources describe it, before presets and inheritance are applied.
struct BackendDraft {
  std::string name;   // of its section, empty for the one that flags and environment describe
  std::string place;  // "clasp.conf:12", for messages
  std::string provider, base_url, dialect, model, api_key_file;
  Secret api_key;
  std::string azure_deployment, azure_api_version;
  std::map<std::string, std::string> headers, flags, body;
  std::vector<std::string> geo;
  std::int64_t context_window = 0;
  std::map<std::string, std::string> places;  // of flags and body members
  std::vector<std::string> more_keys;
  std::uint32_t max_concurrency = 0;
  bool pass_client_key = false;
};

// A provider and a model as few variables describe them: of a tier, or a fallback.
struct TargetDraft {
  std::string provider, model, base_url;
  Secret api_key;
  bool empty() const {
    return provider.empty() && model.empty() && base_url.empty() && api_key.empty();
  }
};

// [route PATTERN]
struct RouteDraft {
  std::string pattern;
  std::string place;
  std::vector<std::string> candidates;  // groups in order, each "NAME/MODEL *WEIGHT | …"
};

// [client NAME]: what needs reading or checking besides ClientSettings.
struct ClientDraft {
  ClientSettings settings;
  Secret key;
  std::vector<std::string> key_hash;  // as written
  std::string key_file, expires;
};

// [listener NAME]
struct ListenerDraft {
  std::string name, place;
  std::string address, mode = "0660", group;
  std::vector<std::string> certificate, private_key;
  std::string client_ca, client_certificates = "off", min_tls = "1.2";
  bool proxy_protocol = false;
};

// [price PATTERN]; what is not set is negative.
struct PriceDraft {
  PriceRule rule;
  std::int64_t input = -1, output = -1, cache_read = -1, cache_write = -1;
};

// Key and address from a provider's own variables.
struct Credential {
  Secret key;
  std::string base_url;
};

// Everything that the sources say; resolve() makes Settings of it.
struct Draft {
  Draft();
  BackendDraft& backend() { return backends[current]; }
  ModelRule& model() { return model_rules[current_model]; }

  Settings settings;
  std::vector<std::string> listen, alias_list, fetch_networks, trusted_proxies;
  std::uint32_t port = 8080;
  std::string log_level = "info";
  std::string pdf_text = "auto";
  std::vector<BackendDraft> backends;  // the first one is the nameless one
  std::size_t current = 0;             // what [backend NAME] keys fill
  std::vector<ModelRule> model_rules;  // the first one is nobody's
  std::size_t current_model = 0;       // what [model PATTERN] keys fill
  std::string unknown_models = "pass";
  std::map<std::string, Credential, std::less<>> credentials;
  std::vector<RouteDraft> routes;  // what [route PATTERN] keys fill is the last one
  // "opus", "opus fallback", …, "fallback"
  std::map<std::string, TargetDraft, std::less<>> targets;
  // What the keys of these sections fill is the last one.
  std::vector<ClientDraft> clients;
  std::vector<ListenerDraft> listeners;
  std::vector<PriceDraft> prices;
  Secret auth_key;
  std::string auth_key_file, client_keys_file;
  std::string rate_limit_scope = "global", control_mode = "0660";
  bool multi_provider = false, fallback = false;
  std::string config_file, emit;
  bool debug = false, demo_if_unconfigured = false, proxy_only = false, exit_with_parent = false;
  bool check = false, version = false, help = false, models = false;
};

enum class Status {
  available,
  retired,  // of the original program, replaced by something else: told, then ignored
};

// Where a value is kept. Nothing: it is checked and then dropped.
using Slot = std::variant<std::monostate, bool*, std::uint32_t*, std::int64_t*, std::uint64_t*,
                          std::string*, Secret*, std::vector<std::string>*, std::optional<bool>*>;
// `rest` is what a '*' at the end of the key or variable stood for.
using SlotFinder = std::function<Slot(Draft&, std::string_view rest)>;

struct Option {
  std::string section =
      {};                 // of the file; "backend" and "route" take a name; empty: not in the file
  std::string key = {};   // a '*' at its end stands for the rest of the name
  std::string flag = {};  // without dashes, empty: none
  std::string env = {};   // variables separated by blanks, the first one set wins
  Domain domain = {};
  std::string default_text = {};  // as it would be written; empty: none
  std::string argument = {};      // placeholder in the help: "N", "FILE"
  std::string help = {};          // one sentence or two, no name of the option in it
  Status status = Status::available;
  std::string instead = {};  // retired: what replaces it
  SlotFinder slot = {};
  bool hidden = false;  // for the build, not for people

  bool is_switch() const { return domain.kind == Kind::boolean; }
};

struct Section {
  std::string_view name;
  std::string_view title;      // heading of its group in the help
  std::string_view text;       // opening comment in the sample file
  bool named = false;          // written [name SOMETHING]; may repeat
  std::string_view rest = {};  // what SOMETHING must be; empty: it may be missing
};

const std::vector<Option>& options();
const std::vector<Section>& sections();

const Option* find_flag(std::string_view flag);
struct Match {
  const Option* option = nullptr;
  std::string_view rest;  // see SlotFinder
};
Match find_key(std::string_view section, std::string_view key);
Match find_variable(std::string_view name);
const Section* find_section(std::string_view name);

}  // namespace clasp::config

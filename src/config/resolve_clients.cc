// See resolve_clients.h. Says nothing that would repeat a key.
#include "config/resolve_clients.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <map>
#include <unordered_map>

#include "base/sha256.h"
#include "base/text.h"
#include "config/key_file.h"
#include "config/parse_file.h"

namespace clasp::config {
namespace {

// The client that the one key of [auth] stands for.
constexpr std::string_view kDefaultClient = "default";
constexpr std::size_t kLongestName = 64;
// Made keys have 43 random characters; what is shorter than this was made up by somebody.
constexpr std::size_t kShortKey = 20;
constexpr std::size_t kFewCharacters = 8;

constexpr std::string_view kRemedy =
    "set CLASP_AUTH_API_KEY (or api_key in [auth]), or write [client NAME] sections; "
    "claspctl key new NAME makes a key";

bool is_weak(std::string_view key) {
  std::bitset<256> seen;
  for (const char c : key) seen.set(static_cast<unsigned char>(c));
  return key.size() < kShortKey || seen.count() < kFewCharacters;
}

// "sha256:HEX" -> HEX.
Result<std::string> parse_hash(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  constexpr std::size_t kDigits = 64;
  std::string hash = to_lower(trim(text));
  const bool whole =
      hash.starts_with(kPrefix) && hash.size() == kPrefix.size() + kDigits &&
      hash.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string::npos;
  // Not repeated: it may be the key itself.
  if (!whole) return fail("this is not sha256: and 64 hex digits, as claspctl key hash prints it");
  return hash.substr(kPrefix.size());
}

class ClientResolver {
 public:
  ClientResolver(Collector& collector, const FileReader& read_file)
      : collector_(collector), draft_(collector.draft), read_file_(read_file) {}

  void run() {
    for (ClientDraft& draft : draft_.clients) add_section(draft);
    add_keys_file();
    add_default();
    for (const auto& client : auth().clients)
      if (client.key_hashes.empty() && client.certificate.empty())
        error(client.place + ": [client " + client.name +
              "] has neither a key nor a certificate; claspctl key new " + client.name +
              " makes a key");
    find_doubles();
    settle();
  }

 private:
  void error(std::string text) { collector_.errors.push_back(std::move(text)); }
  void warn(std::string text) { collector_.warnings.push_back(std::move(text)); }
  AuthSettings& auth() { return draft_.settings.auth; }

  ClientSettings& client_of(std::string_view name, const std::string& place) {
    const auto [at, is_new] = by_name_.emplace(to_lower(name), auth().clients.size());
    if (!is_new) return auth().clients[at->second];
    ClientSettings& made = auth().clients.emplace_back();
    made.name = name;
    made.place = place;
    return made;
  }

  void add_hash(ClientSettings& client, const std::string& hash) {
    auto& list = client.key_hashes;
    if (std::find(list.begin(), list.end(), hash) == list.end()) list.push_back(hash);
  }

  void add_key(ClientSettings& client, const Secret& key, const std::string& where) {
    if (is_weak(key.reveal()))
      warn(where +
           ": the key is short or simple and can be guessed; claspctl key new makes a good one");
    add_hash(client, sha256_hex(key.reveal()));
  }

  void add_keys_of_file(ClientSettings& client, const std::string& path, const std::string& where) {
    if (path.empty()) return;
    for (const Secret& key : read_key_file(collector_, read_file_, where, path))
      add_key(client, key, where);
  }

  void add_section(ClientDraft& draft) {
    const std::string where = draft.settings.place + ": [client " + draft.settings.name + "] ";
    if (!is_client_name(draft.settings.name))
      error(draft.settings.place + ": " + std::string(kClientNameRule));
    by_name_.emplace(to_lower(draft.settings.name), auth().clients.size());
    ClientSettings& client = auth().clients.emplace_back(std::move(draft.settings));
    for (const std::string& text : draft.key_hash) {
      const auto hash = parse_hash(text);
      if (hash)
        add_hash(client, *hash);
      else
        error(where + "key_hash: " + hash.error().message);
    }
    if (!draft.key.empty()) add_key(client, draft.key, where + "key");
    add_keys_of_file(client, draft.key_file, where + "key_file");
    for (std::string& pattern : client.models) pattern = to_lower(pattern);
    if (draft.expires.empty()) return;
    const auto until = parse_expiry(draft.expires);
    if (until)
      client.expires = *until;
    else
      error(where + "expires: " + until.error().message);
  }

  void add_keys_file() {
    const std::string& path = draft_.client_keys_file;
    if (path.empty()) return;
    const std::string where =
        collector_.place_of(*find_key("auth", "keys_file").option) + " " + path;
    const auto text = read_file_(path);
    if (!text || !*text)
      return error(where + ": " + (text ? "the file does not exist" : text.error().message));
    // What is read ends there; those behind would lose their keys without a word.
    if ((*text)->size() > kMaxFile) return error(where + ": the file is larger than 1 MB");
    constexpr unsigned kOthersWrite = 0002;
    if (collector_.file_mode && (collector_.file_mode(path) & kOthersWrite) != 0)
      warn(where + ": every user of this machine can add keys to it; use chmod 640");
    int number = 0;
    constexpr std::size_t kEnough = 20;
    for (const std::string_view raw : split(**text, '\n')) {
      const std::string_view line = trim(raw);
      const std::string place = path + ":" + std::to_string(++number);
      if (line.empty() || line.front() == '#') continue;
      const auto colon = line.find(':');
      const std::string_view name = trim(line.substr(0, colon));
      const auto hash = parse_hash(colon == std::string_view::npos ? "" : line.substr(colon + 1));
      if (hash && is_client_name(name))
        add_hash(client_of(name, place), *hash);
      else
        error(place + ": " + (hash ? "this is not NAME:sha256:HASH" : hash.error().message));
      if (collector_.errors.size() >= kEnough) return;
    }
  }

  void add_default() {
    const bool both = !draft_.auth_key.empty() && !draft_.auth_key_file.empty();
    const Option& key = *find_flag("auth-api-key");
    const Option& file = *find_key("auth", "api_key_file").option;
    if (both && collector_.source_of(key) == collector_.source_of(file))
      error(collector_.place_of(file) + ": api_key and api_key_file are both set");
    // Of two that are set in different places the stronger source counts.
    const bool by_key = !draft_.auth_key.empty() &&
                        (!both || collector_.source_of(key) > collector_.source_of(file));
    if (by_key)
      add_key(client_of(kDefaultClient, collector_.place_of(key)), draft_.auth_key,
              collector_.place_of(key));
    else if (!draft_.auth_key_file.empty())
      add_keys_of_file(client_of(kDefaultClient, collector_.place_of(file)), draft_.auth_key_file,
                       collector_.place_of(file));
    if (collector_.source_of(key) == Source::flag)
      warn(
          "option -auth-api-key: every user of this machine can read the key in the process list; "
          "use CLASP_AUTH_API_KEY or api_key_file in [auth]");
  }

  // A request must never be able to be two clients'.
  void find_doubles() {
    std::map<std::string_view, const ClientSettings*> keys, certificates;
    for (const ClientSettings& client : auth().clients) {
      for (const std::string& hash : client.key_hashes)
        if (const auto [at, is_new] = keys.emplace(hash, &client); !is_new)
          error(client.place + ": the clients " + at->second->name + " and " + client.name +
                " have the same key");
      if (client.certificate.empty()) continue;
      if (const auto [at, is_new] = certificates.emplace(client.certificate, &client); !is_new)
        error(client.place + ": the clients " + at->second->name + " and " + client.name +
              " have the same certificate");
    }
  }

  // Somebody who lists clients wants nobody else to come in: that need not be said twice, and
  // saying the opposite is no accident that may pass. The original's one key alone always needed
  // the switch, and a set-up that turns it off runs on, with a warning.
  void settle() {
    const Option& option = *find_flag("auth");
    const bool given = collector_.source_of(option) != Source::none;
    const std::string place = collector_.place_of(option);
    const auto& clients = auth().clients;
    if (auth().enabled && clients.empty() && collector_.errors.empty())
      error(place + ": no client has a key: " + std::string(kRemedy));
    // A file that was emptied, or is just being written, must not open the door at a reload.
    if (!given && clients.empty() && !draft_.client_keys_file.empty() && collector_.errors.empty())
      error(collector_.place_of(*find_key("auth", "keys_file").option) + " " +
            draft_.client_keys_file +
            ": no client stands in it, and nobody would be asked for a key; remove this option if "
            "that is meant");
    if (!given) auth().enabled = !clients.empty();
    if (auth().enabled || clients.empty()) return;
    const bool listed = std::any_of(clients.begin(), clients.end(), [](const ClientSettings& one) {
      return one.name != kDefaultClient;
    });
    if (listed || !draft_.clients.empty())
      error(place + ": authentication is off, but clients are configured (" +
            clients.front().place +
            "): everybody could come in. Remove this option, or the clients");
    else
      warn(place + ": authentication is off, the key of [auth] is not asked for");
    auth().clients.clear();
  }

  Collector& collector_;
  Draft& draft_;
  const FileReader& read_file_;
  std::unordered_map<std::string, std::size_t> by_name_;  // in small letters: its place in the list
};

// `digits` decimal digits at the start of `text`, which loses them; -1 when they are not there.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  const auto number = parse_unsigned(text.substr(0, digits));
  text.remove_prefix(digits);
  return number ? static_cast<int>(*number) : -1;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

bool is_client_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-' || c == '@';
         });
}

Result<std::int64_t> parse_expiry(std::string_view text) {
  const auto bad = [&] {
    return fail(quoted(text) + " is no date such as 2027-01-31 or 2027-01-31T12:00:00Z");
  };
  std::string_view rest = text;
  const int year = take_number(rest, 4);
  const bool first = take(rest, '-');
  const int month = take_number(rest, 2);
  const bool second = take(rest, '-');
  const int day = take_number(rest, 2);
  if (year < 1970 || month < 0 || day < 0 || !first || !second) return bad();
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return bad();
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t begin = std::chrono::sys_days(date).time_since_epoch().count() * kDay;
  if (rest.empty()) return begin + kDay;
  std::array<int, 3> time{};
  const std::array<char, 3> before{'T', ':', ':'};
  const std::array<int, 3> most{23, 59, 59};
  for (std::size_t i = 0; i < time.size(); ++i) {
    if (!take(rest, before[i])) return bad();
    time[i] = take_number(rest, 2);
    if (time[i] < 0 || time[i] > most[i]) return bad();
  }
  if (rest != "Z") return bad();
  return begin + time[0] * 3600 + time[1] * 60 + time[2];
}

void resolve_clients(Collector& collector, const FileReader& read_file) {
  ClientResolver(collector, read_file).run();
}

}  // namespace clasp::config

// [auth], [client NAME], the keys file: who may come in, and what stops the start.
#include <doctest/doctest.h>

#include "base/sha256.h"
#include "config/resolve_clients.h"
#include "support.h"

using namespace clasp::config;
using namespace clasp::config::test;
using clasp::sha256_hex;

namespace {

const std::string kKey = "clasp-0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const std::string kHash = "sha256:" + sha256_hex(kKey);
const std::string kOther = "sha256:" + sha256_hex("another key of many characters");

clasp::Result<Loaded, LoadError> load_keys(const std::string& conf, Files files = {}) {
  files["clasp.conf"] = conf;
  return load_from({"-provider", "demo"}, {}, std::move(files));
}

}  // namespace

TEST_CASE("sha-256 as everybody writes it") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("auth: the one key is a client named default") {
  const auto loaded = load_from({"-provider", "demo", "-auth"}, {{"CLASP_AUTH_API_KEY", kKey}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->settings.auth.enabled);
  CHECK(loaded->warnings.empty());
  REQUIRE(loaded->settings.auth.clients.size() == 1);
  const ClientSettings& client = loaded->settings.auth.clients.front();
  CHECK(client.name == "default");
  CHECK(client.key_hashes == std::vector<std::string>{sha256_hex(kKey)});
  CHECK(loaded->settings.auth.anonymous_health);
  CHECK_FALSE(loaded->settings.auth.anonymous_metrics);
}

TEST_CASE("auth: without any key it does not start, and says what to do") {
  const std::string message = complaint(load_from({"-provider", "demo", "-auth"}));
  CHECK(has(message, "option -auth: no client has a key: set CLASP_AUTH_API_KEY"));
  CHECK(has(message, "claspctl key new"));
  CHECK(load_from({"-provider", "demo", "-auth=false"}));
}

TEST_CASE("auth: weak keys and keys in the process list are warned about, never shown") {
  const auto loaded = load_from({"-provider", "demo", "-auth", "-auth-api-key", "my-secret-key"});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(any_has(loaded->warnings, "option -auth-api-key: the key is short or simple"));
  CHECK(any_has(loaded->warnings, "process list"));
  CHECK_FALSE(any_has(loaded->warnings, "my-secret-key"));
  const auto same = load_keys("[client a]\nkey = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
  CHECK(any_has(same->warnings, "clasp.conf:1: [client a] key: the key is short or simple"));
}

TEST_CASE("clients: who is listed is asked for a key, unless somebody says no") {
  const std::string section = "[client ann]\nkey_hash = " + kHash + "\n";
  const auto implied = load_keys(section);
  REQUIRE_MESSAGE(implied, complaint(implied));
  CHECK(implied->settings.auth.enabled);
  const std::string refused = complaint(load_keys("[auth]\nenabled = false\n" + section));
  CHECK(has(refused, "clasp.conf:2: [auth] enabled: authentication is off, but clients are"));
  // The original needed the switch beside the key: its set-ups run on as they were.
  const auto old =
      load_from({"-provider", "demo"}, {{"CLASP_AUTH", "false"}, {"CLASP_AUTH_API_KEY", kKey}});
  REQUIRE_MESSAGE(old, complaint(old));
  CHECK_FALSE(old->settings.auth.enabled);
  CHECK(any_has(old->warnings, "the key of [auth] is not asked for"));
}

TEST_CASE("clients: several hashes, plain keys, files, models, certificates") {
  const auto loaded = load_keys("[client ann]\nkey_hash = " + kHash + "," + kOther +
                                    "\nkey_file = /k\nmodels = Claude-*, x\nexpires = 1970-01-02\n"
                                    "[client cat]\ncertificate = cat.example\n",
                                {{"/k", "first-key-of-a-whole-file\n\nsecond-key-of-a-file\n"}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->warnings.empty());
  const auto& clients = loaded->settings.auth.clients;
  REQUIRE(clients.size() == 2);
  CHECK(clients[0].key_hashes.size() == 4);
  CHECK(clients[0].key_hashes[3] == sha256_hex("second-key-of-a-file"));
  CHECK(clients[0].models == std::vector<std::string>{"claude-*", "x"});
  CHECK(clients[0].expires == 2 * 86'400);
  CHECK(clients[1].certificate == "cat.example");
}

TEST_CASE("clients: the keys file") {
  const std::string file = "# our team\n\nann:" + kHash + "\r\n bob : " + kOther +
                           "\nann:sha256:" + std::string(64, 'A') + "\n";
  const auto loaded = load_keys(
      "[auth]\nkeys_file = /keys\n[client BOB]\nkey = a-quite-long-key-12345\n", {{"/keys", file}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  const auto& clients = loaded->settings.auth.clients;
  REQUIRE(clients.size() == 2);
  CHECK(clients[0].name == "BOB");
  CHECK(clients[0].key_hashes.size() == 2);
  CHECK(clients[1].name == "ann");
  CHECK(clients[1].place == "/keys:3");
  CHECK(clients[1].key_hashes.back() == std::string(64, 'a'));
  const auto bad = [](const std::string& line) {
    return complaint(load_keys("[auth]\nkeys_file = /keys\n", {{"/keys", line}}));
  };
  CHECK(has(bad("ann\n"), "/keys:1: this is not sha256: and 64 hex digits"));
  CHECK(has(bad("\nan n:" + kHash), "/keys:2: this is not NAME:sha256:HASH"));
  CHECK(has(bad(":" + kHash), "/keys:1:"));
  CHECK_FALSE(has(bad("ann:my-plain-key"), "my-plain-key"));
  CHECK(has(bad("#\n"), "no client has a key") == false);
  CHECK(has(complaint(load_keys("[auth]\nkeys_file = /none\n")),
            "[auth] keys_file /none: the file does not exist"));
}

TEST_CASE("clients: a keys file that is empty or cut off never opens the door") {
  const auto load_with = [](const std::string& more, const std::string& text) {
    return load_keys(more + "[auth]\nkeys_file = /keys\n", {{"/keys", text}});
  };
  for (const char* text : {"", "\n", "# ann left\n"}) {
    CHECK(has(complaint(load_with("", text)), "[auth] keys_file /keys: no client stands in it"));
    const auto others = load_with("[client bob]\nkey = a-quite-long-key-12345\n", text);
    REQUIRE(others);
    CHECK(others->settings.auth.enabled);
  }
  std::string large = "ann:" + kHash + "\n";
  large.append((1 << 20) + 1 - large.size(), '\n');
  CHECK(has(complaint(load_with("", large)), "/keys: the file is larger than 1 MB"));
}

TEST_CASE("clients: a keys file of thousands, in any case of their names") {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    const std::string digits = std::to_string(100'000 + i);
    text.append(i % 2 == 0 ? "c" : "C").append(std::to_string(i / 2)).append(":sha256:");
    text.append(std::string(58, 'a')).append(digits).append("\n");
  }
  const auto loaded = load_keys("[auth]\nkeys_file = /keys\n", {{"/keys", text}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->settings.auth.clients.size() == 2500);
  CHECK(loaded->settings.auth.clients.back().key_hashes.size() == 2);
}

TEST_CASE("clients: mistakes") {
  CHECK(has(complaint(load_keys("[client ann]\nmodels = x\n")),
            "clasp.conf:1: [client ann] has neither a key nor a certificate"));
  CHECK(has(complaint(load_keys("[client a]\nkey_hash = " + kHash + "\n[client b]\nkey = " + kKey +
                                "\n")),
            "clasp.conf:3: the clients a and b have the same key"));
  CHECK(has(complaint(load_keys("[auth]\napi_key = " + kKey + "\n[client b]\nkey_hash = " + kHash +
                                "\n")),
            "the clients b and default have the same key"));
  CHECK(has(complaint(load_keys("[client a]\ncertificate = x\n[client b]\ncertificate = x\n")),
            "the clients a and b have the same certificate"));
  CHECK(
      has(complaint(load_keys("[client a b]\nkey_hash = " + kHash + "\n")), "a client's name has"));
  CHECK(has(complaint(load_keys("[client a]\nkey_hash = " + kHash.substr(0, 70) + "\n")),
            "clasp.conf:1: [client a] key_hash: this is not sha256:"));
  CHECK(has(complaint(load_keys("[client a]\nkey = " + kKey + "\n[client A]\nkey = x\n")),
            "is already at"));
  CHECK(has(complaint(load_keys("[client a]\nkey = " + kKey + "\nexpires = soon\n")),
            "[client a] expires: \"soon\" is no date such as 2027-01-31"));
}

TEST_CASE("expiry dates") {
  CHECK(parse_expiry("1970-01-01") == 86'400);
  CHECK(parse_expiry("2027-01-31") == 1'801'440'000);
  CHECK(parse_expiry("2028-02-29T23:59:59Z") == 1'835'481'599);
  for (const char* bad :
       {"", "2027-02-29", "2027-13-01", "2027-1-1", "27-01-01", "2027-01-31T", "x",
        "2027-01-31T24:00:00Z", "2027-01-31T12:00:00", "2027-01-31T12:00:00Zx",
        "2027-01-31 12:00:00Z", "2027/01/31", "-001-01-01"})
    CHECK_FALSE(parse_expiry(bad));
}

TEST_CASE("files of systemd's credentials") {
  const Environment with = {{"CREDENTIALS_DIRECTORY", "/run/credentials/clasp.service"}};
  const Files files = {{"/run/credentials/clasp.service/door", kKey + "\n"},
                       {"/run/credentials/clasp.service/openai", "sk-2\n"}};
  const auto loaded =
      load_from({"-provider", "openai", "-api-key-file", "credential:openai", "-auth"},
                {{"CREDENTIALS_DIRECTORY", "/run/credentials/clasp.service"},
                 {"CLASP_AUTH_API_KEY_FILE", "credential:door"}},
                files);
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->settings.backends.front().api_key.reveal() == "sk-2");
  CHECK(loaded->settings.auth.clients.front().key_hashes.front() == sha256_hex(kKey));
  CHECK(has(complaint(load_from({"-provider", "openai", "-api-key-file", "credential:openai"})),
            "CREDENTIALS_DIRECTORY is not set; systemd sets it for services with "
            "LoadCredential=openai:FILE"));
  for (const char* name : {"credential:", "credential:../x", "credential:..", "credential:a/b"})
    CHECK(has(complaint(load_from({"-provider", "openai", "-api-key-file", name}, with, files)),
              "names no credential"));
}

TEST_CASE("credentials that are named like variables stand for them") {
  const std::string folder = "/run/credentials/clasp.service";
  const auto key_with = [&](const std::string& name, Environment environment = {}) {
    environment["CREDENTIALS_DIRECTORY"] = folder;
    const auto loaded = load_from({}, std::move(environment),
                                  {{folder + "/" + name, "sk-cred\n"}, {"clasp.conf", ""}});
    if (!loaded) return complaint(loaded);
    const BackendSettings& first = loaded->settings.backends.front();
    return first.provider + " " + std::string(first.api_key.reveal());
  };
  for (const char* name :
       {"openai_api_key", "OPENAI_API_KEY", "keys_openai_api_key", "keys_OPENAI_API_KEY"})
    CHECK(key_with(name) == "openai sk-cred");
  CHECK(key_with("keys_openrouter_api_key") == "openrouter sk-cred");
  CHECK(key_with("openai_api_key", {{"OPENAI_API_KEY", "sk-env"}}) == "openai sk-env");
  // Another name means nothing by itself.
  CHECK(has(key_with("keys_openai"), "no provider is configured"));
  // The file of a fallback is empty: there is no key.
  const auto none = load_from({}, {{"CREDENTIALS_DIRECTORY", folder}},
                              {{folder + "/openai_api_key", "\n"}, {"clasp.conf", ""}});
  CHECK(has(complaint(none), "no provider is configured"));
  const auto door = load_from({"-provider", "demo", "-auth"}, {{"CREDENTIALS_DIRECTORY", folder}},
                              {{folder + "/keys_clasp_auth_api_key", kKey}});
  REQUIRE_MESSAGE(door, complaint(door));
  CHECK(door->settings.auth.clients.front().key_hashes.front() == sha256_hex(kKey));
}

TEST_CASE("key files that everybody can read are named") {
  const auto warned = [](unsigned mode) {
    Inputs inputs =
        make_inputs({"-provider", "openai", "-api-key-file", "/k", "-auth"},
                    {{"CLASP_AUTH_API_KEY_FILE", "/a"}}, {{"/k", "sk-2"}, {"/a", kKey}});
    inputs.file_mode = [mode](const std::string&) { return mode; };
    const auto loaded = load(inputs);
    REQUIRE_MESSAGE(loaded, complaint(loaded));
    return loaded->warnings;
  };
  CHECK(warned(0600).empty());
  CHECK(warned(0640).empty());
  CHECK(warned(0).empty());
  CHECK(any_has(warned(0644), "CLASP_AUTH_API_KEY_FILE /a: every user of this machine can read"));
  CHECK(any_has(warned(0644), "api_key_file /k: every user of this machine can read"));
}

// [listener NAME] and trusted_proxies: what they mean, and every mistake in them.
#include <doctest/doctest.h>

#include "support.h"

namespace clasp::config::test {

namespace {

std::string with(const std::string& lines, const std::string& server = "") {
  return "[server]\nworkers = 1\n" + server + "[listener one]\n" + lines;
}
std::string mistake(const std::string& lines, const std::string& server = "") {
  return complaint(load_text(with(lines, server)));
}

}  // namespace

TEST_CASE("listeners beside listen; the default address only where nothing else is named") {
  const auto alone = load_text(with("address = 127.0.0.1:8443\ncertificate = /c.pem\n"));
  REQUIRE(alone);
  REQUIRE(alone->settings.listeners.size() == 1);
  const Listener& https = alone->settings.listeners.front();
  CHECK(https.name == "one");
  CHECK(https.port == 8443);
  CHECK(https.tls.enabled());
  CHECK(https.tls.certificates.front().private_key == "/c.pem");
  const auto both =
      load_text(with("address = unix:/run/a.sock\nmode = 0600\ngroup = www\n", "listen = :9\n"));
  REQUIRE(both);
  REQUIRE(both->settings.listeners.size() == 2);
  CHECK_FALSE(both->settings.listeners[0].tls.enabled());
  CHECK(both->settings.listeners[1].unix_mode == 0600);
  CHECK(both->settings.listeners[1].unix_group == "www");
}

TEST_CASE("certificates, keys, client certificates") {
  const auto loaded =
      load_text(with("address = :1\ncertificate = /a,/b\nprivate_key = /ka,/kb\nmin_tls = 1.3\n"
                     "client_ca = /ca\nclient_certificates = required\n"));
  REQUIRE(loaded);
  const ListenerTls& tls = loaded->settings.listeners.front().tls;
  CHECK(tls.certificates == std::vector<CertificateFiles>{{"/a", "/ka"}, {"/b", "/kb"}});
  CHECK(tls.only_tls13);
  CHECK(tls.client_ca == "/ca");
  CHECK(tls.client_certificates == ClientCertificates::required);
}

TEST_CASE("mistakes in listeners are told with their place") {
  CHECK(has(mistake("mode = 0660\n"), "clasp.conf:3: [listener one] needs an address"));
  CHECK(
      has(mistake("address = here\n"), "[listener one] address: \"here\" is not a listen address"));
  CHECK(has(mistake("address = :1\nprivate_key = /k\n"), "private_key: it is for HTTPS"));
  CHECK(has(mistake("address = :1\nclient_ca = /k\n"), "client_ca: it is for HTTPS"));
  CHECK(has(mistake("address = :1\nmin_tls = 1.3\n"), "min_tls: it is for HTTPS"));
  CHECK(has(mistake("address = :1\nclient_certificates = required\n"), "it is for HTTPS"));
  CHECK(has(mistake("address = :1\ncertificate = /a,/b\nprivate_key = /k\n"),
            "private_key: 1 files for 2 of certificate"));
  CHECK(has(mistake("address = :1\ncertificate = /a\nclient_certificates = optional\n"),
            "client_ca must say"));
  CHECK(has(mistake("address = :1\ncertificate = /a\nmin_tls = 1.1\n"), "min_tls"));
  CHECK(has(mistake("address = :1\nmode = 0600\n"), "mode: it is for unix:/PATH"));
  CHECK(has(mistake("address = :1\ngroup = x\n"), "group: it is for unix:/PATH"));
  for (const char* mode : {"0888", "66", "7777", "06600", "rw"})
    CHECK(has(mistake(std::string("address = unix:/s\nmode = ") + mode + "\n"), "is no mode"));
  CHECK(has(mistake("address = 127.0.0.1:9\n", "listen = 127.0.0.1:9\n"), "is listed twice"));
  CHECK(has(mistake("address = :1\nproxy_protocol = true\n"), "every connection would be refused"));
  CHECK(has(mistake("address = unix:/s\nproxy_protocol = true\n", "trusted_proxies = 10.0.0.0/8\n"),
            "every connection would be refused"));
}

TEST_CASE("authorities that nobody is asked for are worth a word") {
  const auto loaded = load_text(with("address = :1\ncertificate = /a\nclient_ca = /ca\n"));
  REQUIRE(loaded);
  CHECK(any_has(loaded->warnings, "client_ca: it has no effect without client_certificates"));
}

TEST_CASE("trusted proxies are networks, addresses and unix") {
  const auto loaded = load_text("[server]\ntrusted_proxies = 10.0.0.0/8, ::1, unix\n");
  REQUIRE(loaded);
  CHECK(loaded->settings.trusted_proxies.size() == 2);
  CHECK(loaded->settings.trust_unix_sockets);
  CHECK(has(complaint(load_text("[server]\ntrusted_proxies = 10.0.0.1/8\n")), "trusted_proxies"));
  CHECK(has(complaint(load_text("[server]\ntrusted_proxies = proxy.example\n")), "or unix"));
  for (const char* all : {"0.0.0.0/0", "::/0"})
    CHECK(any_has(load_text(std::string("[server]\ntrusted_proxies = ") + all + "\n")->warnings,
                  "is everybody"));
  CHECK(load_text("[server]\ntrusted_proxies = fd00::/96\n")->warnings.empty());
}

}  // namespace clasp::config::test

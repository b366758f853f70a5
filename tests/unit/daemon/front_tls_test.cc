// TLS at the front: who the client is, what is refused and how, files and names of certificates.
// That everything else holds over TLS too is shown by running the other tests of the front with
// CLASP_FRONT_TLS.
#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "backend_certificates.h"
#include "front_fixture.h"

using namespace clasp;
using namespace clasp::test;
using namespace std::chrono_literals;
using daemon::test::Authority;

namespace {

daemon::HttpLimits quick() {
  daemon::HttpLimits limits;
  limits.header_timeout = Duration(300);
  limits.linger_timeout = Duration(200);
  return limits;
}

std::shared_ptr<daemon::Entrance> asking(const Authority& authority,
                                         config::ClientCertificates when) {
  auto entrance = make_tls_entrance();
  config::ListenerTls& tls = entrance->listener.tls;
  tls.client_ca = authority.file();
  tls.client_certificates = when;
  std::vector<std::string> warnings;
  entrance->tls = *daemon::TlsServer::make(tls, warnings);
  return entrance;
}

std::function<void(ssl_st*)> showing(const daemon::test::CertificateFiles& files) {
  return [files](ssl_st* ssl) {
    SSL_use_certificate_file(ssl, files.certificate.c_str(), SSL_FILETYPE_PEM);
    SSL_use_PrivateKey_file(ssl, files.private_key.c_str(), SSL_FILETYPE_PEM);
  };
}

std::string complaint_about(const std::string& certificate, const std::string& key) {
  std::vector<std::string> warnings;
  const auto loaded = daemon::load_certificate({certificate, key}, warnings);
  return loaded ? "" : loaded.error().message;
}

bool has(const std::string& text, std::string_view part) {
  CAPTURE(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the common name of a checked client certificate comes with the request") {
  const Authority authority;
  Server server({}, asking(authority, config::ClientCertificates::optional));
  Client named(server);
  REQUIRE(named.start_tls(showing(authority.files({.subject = "alice"}))));
  REQUIRE(named.send(get("/who")));
  CHECK(has(named.read().body, "|alice"));
  Client nobody(server);
  REQUIRE(nobody.start_tls());
  REQUIRE(nobody.send(get("/who")));
  CHECK(nobody.read().body.ends_with("|"));
  // One that somebody else issued, and one that is for servers only.
  const Authority stranger;
  for (const auto& files : {stranger.files({.subject = "alice"}),
                            authority.files({.subject = "alice", .usage = "serverAuth"})}) {
    Client mallory(server);
    if (mallory.start_tls(showing(files))) mallory.send(get("/who"));
    CHECK(mallory.read().status == 0);
  }
  CHECK(server.handler().requests == 2);
}

TEST_CASE("where a client certificate is required nobody comes in without one") {
  const Authority authority;
  Server server(quick(), asking(authority, config::ClientCertificates::required));
  Client nobody(server);
  if (nobody.start_tls()) nobody.send(get("/who"));
  CHECK(nobody.read().status == 0);
  CHECK(nobody.closed_within(2s));
  CHECK(server.handler().requests == 0);
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("a plain request to an HTTPS port is answered in the clear") {
  Server server(quick(), make_tls_entrance());
  Client plain(server);
  REQUIRE(plain.send_raw(post("/echo", std::string(100'000, 'x'))));
  const Response got = plain.read();
  CHECK(got.status == 400);
  CHECK(has(got.body, "HTTPS"));
  CHECK(plain.closed_within(2s));
  CHECK_FALSE(plain.was_reset());
  CHECK(server.handler().requests == 0);
}

TEST_CASE("a handshake that never comes, or stops, has a deadline") {
  Server server(quick(), make_tls_entrance());
  Client silent(server), half(server), garbage(server);
  half.send_raw(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xFC", 9));
  garbage.send_raw("\x16\x03\x01\x01nonsense");
  CHECK(silent.closed_within(2s));
  CHECK(half.closed_within(2s));
  CHECK(garbage.closed_within(2s));
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("a PROXY header, then TLS, then requests: peer and bytes are in order at every cut") {
  auto entrance = make_tls_entrance();
  entrance->listener.proxy_protocol = true;
  entrance->trusted = {*parse_network("127.0.0.0/8")};
  Server server({}, entrance);
  const std::string header = "PROXY TCP4 203.0.113.7 127.0.0.1 4711 443\r\n";
  for (std::size_t cut = 0; cut <= header.size(); cut += 6) {
    Client client(server);
    REQUIRE(client.send_raw(header.substr(0, cut)));
    server.run([](daemon::HttpServer&) {});
    REQUIRE(client.send_raw(header.substr(cut)));
    REQUIRE(client.start_tls());
    REQUIRE(client.send(get("/who") + get("/who")));
    CHECK(client.read().body == "203.0.113.7:4711|");
    CHECK(client.read().body == "203.0.113.7:4711|");
  }
  Client without(server);
  without.start_tls();
  CHECK(without.closed_within(2s));
}

TEST_CASE("entrances are replaced and listeners end while connections go on") {
  Server server({}, make_tls_entrance());
  Client before(server);
  REQUIRE(before.start_tls());
  server.run([](daemon::HttpServer& http) {
    std::vector<daemon::OpenListener> all;
    all.push_back({1, std::make_shared<const daemon::Entrance>(), {}});
    http.set_listeners(std::move(all));
  });
  Client plain(server);
  REQUIRE(plain.send_raw(get("/sync")));
  CHECK(plain.read().status == 200);
  REQUIRE(before.send(get("/sync")));
  CHECK(before.read().status == 200);
  server.run([](daemon::HttpServer& http) { http.set_listeners({}); });
  CHECK(eventually([&] { return !Client(server).connected(); }));
  REQUIRE(before.send(get("/sync")));
  CHECK(before.read().status == 200);
}

TEST_CASE("draining: who is just coming in is served, who is silent is not") {
  Server server({}, make_tls_entrance());
  Client coming(server), silent(server);
  REQUIRE(eventually([&] { return server.connections() == 2; }));
  server.run([](daemon::HttpServer& http) { http.drain(); });
  REQUIRE(coming.start_tls());
  REQUIRE(coming.send(get("/sync")));
  const Response got = coming.read();
  CHECK(got.status == 200);
  CHECK(got.headers.at("connection") == "close");
  CHECK(coming.closed_within(2s));
  CHECK(silent.closed_within(3s));
  CHECK(eventually([&] { return server.connections() == 0; }));
}

TEST_CASE("draining: what TLS has taken off the socket of a request is read to its end") {
  // It lies in the session after the first read: the socket says nothing more.
  const std::string body(14'000, 'x');
  for (const auto patience : {Duration(0), Duration(3'600'000)}) {
    CAPTURE(patience.count());
    Server server({}, make_tls_entrance());
    Client client(server);
    REQUIRE(client.start_tls());
    REQUIRE(client.send(get("/sync")));
    REQUIRE(client.read().status == 200);
    server.run([&](daemon::HttpServer& http) {
      // The first read does not take all of this head, and the socket is empty afterwards.
      const std::string field = "X-Long: " + std::string(16'400, 'y') + "\r\n";
      client.send(post("/echo", body, field));
      http.drain(patience);
    });
    const Response got = client.read();
    CHECK(got.status == 200);
    CHECK(got.body.size() == body.size());
    CHECK(client.closed_within(2s));
  }
}

TEST_CASE("certificate files: what is wrong with them is said") {
  const Authority authority;
  const auto good = authority.files(), other = authority.files();
  CHECK(complaint_about(good.certificate, good.private_key).empty());
  CHECK(has(complaint_about("/nowhere", good.private_key), "certificate /nowhere: no such file"));
  CHECK(has(complaint_about(good.certificate, "/nowhere"), "private key /nowhere: no such file"));
  CHECK(has(complaint_about(good.private_key, good.private_key), "there is no certificate in it"));
  CHECK(has(complaint_about(good.certificate, good.certificate), "there is no private key in it"));
  CHECK(has(complaint_about(good.certificate, other.private_key), "does not belong to"));
  CHECK(has(complaint_about("/tmp", good.private_key), "it is not a file"));
  const std::string damaged = good.certificate + ".damaged";
  std::ifstream in(good.certificate);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::ofstream(damaged) << text.substr(0, text.size() - 200);
  CHECK(has(complaint_about(damaged, good.private_key),
            "certificate number 2 of the file is damaged"));
  unlink(damaged.c_str());
}

TEST_CASE("certificate files: what is only worth a warning") {
  const Authority authority;
  const auto files = authority.files({.alternative_names = ""});
  chmod(files.private_key.c_str(), 0644);
  std::vector<std::string> warnings;
  const auto loaded = daemon::load_certificate({files.certificate, files.private_key}, warnings);
  REQUIRE(loaded);
  REQUIRE(warnings.size() == 2);
  CHECK(has(warnings[0], "no subject alternative name"));
  CHECK(has(warnings[1], "every user of this machine can read it"));
  const auto dates = [&](long from, long to) {
    const auto dated = authority.files({.valid_from = from, .valid_to = to});
    std::vector<std::string> ignored;
    return daemon::describe_dates(
        *daemon::load_certificate({dated.certificate, dated.private_key}, ignored));
  };
  CHECK(dates(-100, 100).empty());
  CHECK(has(dates(-100, -50), " expired on "));
  CHECK(has(dates(50, 100), " is not valid before "));
}

TEST_CASE("names of certificates: exact ones, wildcards for one label") {
  const Authority authority;
  const auto files = authority.files({.alternative_names = "DNS:a.test,DNS:*.b.test,IP:127.0.0.1"});
  std::vector<std::string> warnings;
  const auto loaded = daemon::load_certificate({files.certificate, files.private_key}, warnings);
  REQUIRE(loaded);
  CHECK(daemon::covers(*loaded, "a.test", true));
  CHECK_FALSE(daemon::covers(*loaded, "a.test", false));
  CHECK_FALSE(daemon::covers(*loaded, "x.a.test", true));
  CHECK(daemon::covers(*loaded, "x.b.test", false));
  CHECK_FALSE(daemon::covers(*loaded, "x.b.test", true));
  CHECK_FALSE(daemon::covers(*loaded, "b.test", false));
  CHECK_FALSE(daemon::covers(*loaded, "x.y.b.test", false));
  CHECK_FALSE(daemon::covers(*loaded, ".b.test", false));
  CHECK_FALSE(daemon::covers(*loaded, "", true));
  CHECK_FALSE(daemon::covers(*loaded, "127.0.0.1", true));
}

// Fetching and reading of media against local servers and the real pdftotext.
#include "daemon/media_service.h"

#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>

#include "backend_harness.h"
#include "core/wire/media_bytes.h"
#include "media_pdf.h"

using namespace clasp;
using namespace clasp::daemon;
using test::ok;
using test::Peer;
using test::Server;
using translate::MediaNeed;
using translate::MediaWant;
using translate::Medium;
using translate::MediumPtr;
using State = translate::Medium::State;

namespace {

const std::string kPng = "\x89PNG\r\n\x1A\n and more";

struct Stage {
  explicit Stage(std::vector<std::string> networks = {"127.0.0.1/32"}) {
    parts.fetch = true;
    for (const std::string& text : networks) parts.networks.push_back(*parse_network(text));
    parts.pdf_program = find_program("pdftotext", std::getenv("PATH"));
    parts.resolver = loop.resolver.get();
    service = std::make_unique<MediaService>(loop.base.get(), *loop.scheduler, parts);
  }
  ~Stage() { service.reset(); }

  MediumPtr get(MediaWant want, const std::string& raw, int patience = test::kPatience) {
    MediumPtr result;
    exchange::MediaStart started =
        service->start({want, raw}, [&](MediumPtr medium) { result = std::move(medium); });
    if (started.known) return started.known;
    CHECK(loop.run_until([&] { return result != nullptr; }, patience));
    return result;
  }
  std::string problem(MediaWant want, const std::string& raw, int patience = test::kPatience) {
    const MediumPtr medium = get(want, raw, patience);
    CHECK(medium->state == State::failed);
    return medium->problem;
  }

  test::Loop loop;
  MediaParts parts;
  std::unique_ptr<MediaService> service;
};

// Answers every request with the same bytes.
Server::Script always(const std::string& answer) {
  return [answer](Peer& peer, int) {
    if (!peer.read_head().empty()) peer.send(answer);
  };
}

bool has_children() {
  return waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

}  // namespace

TEST_CASE("fetch: a picture comes as data, once, and says nothing about its client") {
  std::string head;
  Server server([&](Peer& peer, int) {
    head = peer.read_head();
    peer.send(ok(kPng, "Content-Type: text/html\r\n"));
  });
  Stage stage;
  const std::string url = server.url("127.0.0.1", "http", "/a.png?x=1");
  const MediumPtr first = stage.get(MediaWant::image, url);
  CHECK(first->state == State::ready);
  CHECK(first->media_type == "image/png");  // what it is, not what it was called
  CHECK(first->raw == wire::base64_encode(kPng));
  // The next turn's request gets the very same.
  CHECK(stage.get(MediaWant::image, url) == first);
  CHECK(server.connections() == 1);
  server.stop();
  CHECK(head.starts_with("GET /a.png?x=1 HTTP/1.1\r\n"));
  for (const char* none : {"authorization", "Authorization", "cookie", "Cookie", "referer"})
    CHECK(head.find(none) == std::string::npos);
}

TEST_CASE("fetch: an escaped URL is the same one") {
  Server server(always(ok(kPng)));
  Stage stage;
  const std::string url = server.url();
  std::string escaped;
  for (const char c : url) escaped += c == '/' ? std::string("\\/") : std::string(1, c);
  CHECK(stage.get(MediaWant::image, escaped) == stage.get(MediaWant::image, url));
}

TEST_CASE("fetch: only public addresses, by name, by number and after a redirect") {
  Server server(always(ok(kPng)));
  Stage stage(std::vector<std::string>{});
  const std::string refused = "its server is not on the public Internet";
  const std::string port = ":" + std::to_string(server.port()) + "/";
  CHECK(stage.problem(MediaWant::image, server.url()) == refused);
  CHECK(stage.problem(MediaWant::image, server.url("inside.test")) == refused);
  CHECK(stage.problem(MediaWant::image, "http://[::1]" + port) == refused);
  CHECK(stage.problem(MediaWant::image, "http://[::ffff:127.0.0.1]" + port) == refused);
  CHECK(stage.problem(MediaWant::image, "http://169.254.169.254/latest/meta-data/") == refused);
  CHECK(stage.problem(MediaWant::image, "http://10.0.0.1/") == refused);
  CHECK(server.connections() == 0);

  // A server that may be asked points at one that may not.
  Server door([&](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2" + port +
              "\r\nContent-Length: 0\r\n\r\n");
  });
  Stage one;
  CHECK(one.problem(MediaWant::image, door.url()) == refused);
}

TEST_CASE("fetch: a name with one address that is not public is not called at all") {
  Server server(always(ok(kPng)));
  test::Loop loop;
  Resolver::Options names;
  names.lookup = [](const std::string&) {
    return NameAnswer{{*parse_ip_address("127.0.0.1"), *parse_ip_address("10.0.0.1")}, ""};
  };
  Resolver resolver(std::move(names));
  MediaParts parts;
  parts.fetch = true;
  parts.networks.push_back(*parse_network("127.0.0.1"));
  parts.resolver = &resolver;
  MediaService service(loop.base.get(), *loop.scheduler, parts);
  CHECK(!service.abilities().pdf_text);
  MediumPtr result;
  const std::string url = server.url("mixed.example");
  const auto started =
      service.start({MediaWant::image, url}, [&](MediumPtr medium) { result = std::move(medium); });
  CHECK(loop.run_until([&] { return result != nullptr; }));
  CHECK(result->problem == "its server is not on the public Internet");
  CHECK(server.connections() == 0);
}

TEST_CASE("fetch: redirects, three and no more") {
  int limit = 3;
  Server server([&](Peer& peer, int index) {
    peer.read_head();
    if (index % 10 >= limit) {
      peer.send(ok(kPng));
    } else {
      peer.send("HTTP/1.1 307 Temporary Redirect\r\nLocation: next" + std::to_string(index) +
                "\r\nContent-Length: 0\r\n\r\n");
    }
  });
  Stage stage;
  CHECK(stage.get(MediaWant::image, server.url())->state == State::ready);
  CHECK(server.connections() == 4);
  limit = 100;
  CHECK(stage.problem(MediaWant::image, server.url("127.0.0.1", "http", "/other")) ==
        "it was redirected too often");
  CHECK(server.connections() == 8);
}

TEST_CASE("fetch: what is no picture, not there, too large or cut") {
  Stage stage;
  const auto problem = [&](const std::string& answer) {
    Server server(always(answer));
    return stage.problem(MediaWant::image, server.url());
  };
  CHECK(problem(ok("<html>", "Content-Type: image/png\r\n")) ==
        "what is there is no JPEG, PNG, GIF or WebP");
  CHECK(problem(ok("%PDF-1.4")) == "what is there is no JPEG, PNG, GIF or WebP");
  CHECK(problem("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") ==
        "its server answered with status 404");
  CHECK(problem("HTTP/1.1 200 OK\r\nContent-Length: 20971521\r\n\r\n") ==
        "it is larger than 20 MB");
  CHECK(problem("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + kPng) == "its server broke off");
  CHECK(problem("SSH-2.0-OpenSSH\r\n") == "its server broke off");
  CHECK(stage.problem(MediaWant::image, "http://unknown.example/") == "its server is not known");
  CHECK(stage.problem(MediaWant::image, "http://127.0.0.1:1/") == "its server cannot be reached");
  CHECK(stage.problem(MediaWant::image, "ftp://127.0.0.1/") ==
        "its address is no http or https URL");
  // A length that is not declared is counted.
  Server endless([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\n\r\n" + kPng);
    const std::string block(1 << 20, 'x');
    for (int i = 0; i < 30 && peer.send(block); ++i) {
    }
  });
  CHECK(stage.problem(MediaWant::image, endless.url(), 20'000) == "it is larger than 20 MB");
}

TEST_CASE("fetch: five seconds for everything, also for a server that drips") {
  Server server([](Peer& peer, int) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    while (!peer.wait_closed(300) && peer.send("x")) {
    }
  });
  Stage stage;
  const auto start = test::now_ms();
  CHECK(stage.problem(MediaWant::image, server.url(), 20'000) ==
        "its server did not answer in time");
  CHECK(test::now_ms() - start >= 4'900);
}

TEST_CASE("fetch: proxies of the environment are not asked") {
  Server proxy(always(ok(kPng)));
  setenv("http_proxy", proxy.url("127.0.0.1", "http", "").c_str(), 1);
  Server server(always(ok(kPng)));
  Stage stage;
  CHECK(stage.get(MediaWant::image, server.url("some.test"))->state == State::ready);
  unsetenv("http_proxy");
  CHECK(proxy.connections() == 0);
}

TEST_CASE("fetch: cancelled when nobody waits any more") {
  std::atomic<bool> closed{false};
  Server server([&](Peer& peer, int) {
    peer.read_head();
    closed = peer.wait_closed();
  });
  Stage stage;
  const std::string url = server.url();
  auto started = stage.service->start({MediaWant::image, url}, [](MediumPtr) { CHECK(false); });
  CHECK(stage.loop.run_until([&] { return server.connections() == 1; }));
  started.work.reset();
  CHECK(stage.loop.run_until([&] { return closed.load(); }));
}

TEST_CASE("fetch: more than the worker does at once wait for their turn, and may leave the queue") {
  Server server([](Peer& peer, int) {
    peer.read_head();
    peer.wait_closed(50);
    peer.send(ok(kPng));
  });
  Stage stage;
  std::vector<std::string> urls;
  for (int i = 0; i < 40; ++i)
    urls.push_back(server.url("127.0.0.1", "http", "/" + std::to_string(i)));
  std::vector<std::unique_ptr<exchange::MediaWork>> works;
  int good = 0;
  for (const std::string& url : urls)
    works.push_back(stage.service
                        ->start({MediaWant::image, url},
                                [&](MediumPtr medium) { good += medium->state == State::ready; })
                        .work);
  works[3].reset();   // under way
  works[30].reset();  // waiting
  CHECK(stage.loop.run_until([&] { return good == 38; }, 20'000));
}

TEST_CASE("PDF: the text, by data and by URL; scans and broken files") {
  if (find_program("pdftotext", std::getenv("PATH")).empty()) {
    MESSAGE("skipped: pdftotext is not installed");
    return;
  }
  const std::string pdf = test::make_pdf("Hello \\\"PDF\\\"");
  Server server(always(ok(pdf)));
  Stage stage;
  CHECK(stage.service->abilities().pdf_text);
  const std::string data = wire::base64_encode(pdf);
  const MediumPtr text = stage.get(MediaWant::pdf_text, data);
  CHECK(text->state == State::ready);
  CHECK(text->raw == R"(Hello \"PDF\")");
  CHECK(text->media_type.empty());
  CHECK(!text->cut);
  CHECK(stage.get(MediaWant::pdf_text, data) == text);
  CHECK(stage.get(MediaWant::remote_pdf_text, server.url())->raw == text->raw);
  const MediumPtr file = stage.get(MediaWant::pdf, server.url());
  CHECK(file->raw == data);
  CHECK(file->media_type == "application/pdf");
  CHECK(stage.get(MediaWant::pdf_text, wire::base64_encode(test::make_pdf("")))->state ==
        State::no_text);
  for (const std::string& broken : {std::string("%PDF-1.4\ngarbage"), std::string("no pdf")})
    CHECK(stage.problem(MediaWant::pdf_text, wire::base64_encode(broken)) ==
          "it is damaged, encrypted or no PDF");
  CHECK(stage.problem(MediaWant::pdf_text, "???") == "it is damaged, encrypted or no PDF");
  Server page(always(ok("<html>")));
  CHECK(stage.problem(MediaWant::remote_pdf_text, page.url()) == "what is there is no PDF");
  CHECK(!has_children());
  CHECK(stage.parts.shared.running() == 0);
}

TEST_CASE("PDF: two programs at most, cancelled ones are collected, all places come back") {
  if (find_program("pdftotext", std::getenv("PATH")).empty()) {
    MESSAGE("skipped: pdftotext is not installed");
    return;
  }
  Stage stage;
  std::vector<std::string> data;
  for (int i = 0; i < 12; ++i)
    data.push_back(wire::base64_encode(test::make_pdf("number " + std::to_string(i))));
  std::vector<std::unique_ptr<exchange::MediaWork>> works;
  int ready = 0, most = 0;
  for (const std::string& one : data)
    works.push_back(stage.service
                        ->start({MediaWant::pdf_text, one},
                                [&](MediumPtr medium) { ready += medium->state == State::ready; })
                        .work);
  CHECK(stage.loop.run_until([&] { return stage.parts.shared.running() > 0; }));
  works[0].reset();  // most likely running
  works[9].reset();  // waiting
  CHECK(stage.loop.run_until(
      [&] {
        most = std::max(most, stage.parts.shared.running());
        return ready == 10 && stage.parts.shared.running() == 0;
      },
      30'000));
  CHECK(most <= SharedMedia::kMostPrograms);
  CHECK(!has_children());
}

TEST_CASE("PDF: a service that ends while programs run leaves none behind") {
  if (find_program("pdftotext", std::getenv("PATH")).empty()) {
    MESSAGE("skipped: pdftotext is not installed");
    return;
  }
  Stage stage;
  const std::string data = wire::base64_encode(test::make_pdf("x"));
  auto started = stage.service->start({MediaWant::pdf_text, data}, [](MediumPtr) {});
  CHECK(stage.loop.run_until([&] { return stage.parts.shared.running() > 0; }));
  started.work.reset();
  stage.service.reset();
  CHECK(!has_children());
  CHECK(stage.parts.shared.running() == 0);
}

TEST_CASE("PDF: the program is looked for in absolute folders only") {
  CHECK(find_program("sh", "/nowhere:/bin") == "/bin/sh");
  CHECK(find_program("sh", "bin:.:").empty());
  CHECK(find_program("clasp-no-such-program", std::getenv("PATH")).empty());
  CHECK(find_program("bin", "/usr").empty());  // a folder
}

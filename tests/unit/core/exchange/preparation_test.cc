#include "core/exchange/preparation.h"

#include <doctest/doctest.h>

#include <map>

#include "../../../support/fake_scheduler.h"

using namespace clasp;
using exchange::MediaPort;
using exchange::MediaStart;
using exchange::Preparation;
using translate::MediaNeed;
using translate::MediaWant;
using translate::Medium;

namespace {

class Port final : public MediaPort {
 public:
  translate::MediaAbilities abilities() const override { return {true, true}; }
  MediaStart start(const MediaNeed& need, Done done) override {
    const std::string name(need.raw);
    if (known.contains(name)) return {known[name], nullptr};
    started.push_back(name);
    running[name] = std::move(done);
    return {nullptr, std::make_unique<Work>(*this, name)};
  }
  void finish(const std::string& name, std::size_t bytes = 1) {
    const Done done = running.at(name);
    done(std::make_shared<const Medium>(
        Medium{.state = Medium::State::ready, .raw = std::string(bytes, 'x')}));
  }

  std::map<std::string, translate::MediumPtr> known;
  std::vector<std::string> started;
  std::map<std::string, Done> running;

 private:
  struct Work final : exchange::MediaWork {
    Work(Port& p, std::string n) : port(p), name(std::move(n)) {}
    ~Work() override { port.running.erase(name); }
    Port& port;
    std::string name;
  };
};

struct Fixture {
  explicit Fixture(std::vector<std::string> given) : names(std::move(given)) {
    std::vector<MediaNeed> needs;
    for (const std::string& name : names) {
      needs.push_back({MediaWant::image, name});
      media.announce(needs.back());
    }
    preparation = std::make_unique<Preparation>(scheduler, port, std::move(needs), media, [this] {
      ++done;
      preparation.reset();  // as the exchange does
    });
  }
  Medium::State state(const std::string& name) const {
    const Medium* medium = media.find({MediaWant::image, name});
    REQUIRE(medium != nullptr);
    return medium->state;
  }

  std::vector<std::string> names;
  test::FakeScheduler scheduler;
  Port port;
  translate::PreparedMedia media;
  int done = 0;
  std::unique_ptr<Preparation> preparation;
};

}  // namespace

TEST_CASE("preparation: what is known needs no waiting") {
  Fixture f({"a", "b"});
  f.port.known["a"] = translate::failed_medium("x");
  f.port.known["b"] = std::make_shared<const Medium>(Medium{.state = Medium::State::no_text});
  CHECK(f.preparation->start());
  CHECK(f.done == 0);
  CHECK(f.state("a") == Medium::State::failed);
  CHECK(f.state("b") == Medium::State::no_text);
  CHECK(f.scheduler.armed() == 0);
}

TEST_CASE("preparation: four at a time, and done when the last one is") {
  Fixture f({"a", "b", "c", "d", "e", "f"});
  CHECK(!f.preparation->start());
  CHECK(f.port.started.size() == 4);
  f.port.finish("c");
  CHECK(f.port.started == std::vector<std::string>{"a", "b", "c", "d", "e"});
  for (const char* name : {"a", "b", "e", "d"}) f.port.finish(name);
  CHECK(f.done == 0);
  f.port.finish("f");
  CHECK(f.done == 1);
  CHECK(f.preparation == nullptr);
  CHECK(f.scheduler.armed() == 0);
  for (const std::string& name : f.names) CHECK(f.state(name) == Medium::State::ready);
}

TEST_CASE("preparation: twenty seconds for everything") {
  Fixture f({"a", "b", "c", "d", "e"});
  f.preparation->start();
  f.port.finish("a");
  f.scheduler.advance(Duration(19'999));
  CHECK(f.done == 0);
  f.scheduler.advance(Duration(1));
  CHECK(f.done == 1);
  CHECK(f.port.running.empty());
  CHECK(f.state("a") == Medium::State::ready);
  CHECK(f.state("b") == Medium::State::failed);
  CHECK(f.state("e") == Medium::State::failed);
}

TEST_CASE("preparation: destroying it cancels") {
  Fixture f({"a", "b"});
  f.preparation->start();
  f.preparation.reset();
  CHECK(f.port.running.empty());
  CHECK(f.scheduler.armed() == 0);
  CHECK(f.done == 0);
}

TEST_CASE("preparation: a request's media are bounded together, nothing more is begun then") {
  Fixture f({"a", "b", "c", "d", "e", "f", "g", "h"});
  f.preparation->start();
  for (const char* name : {"a", "b", "c"}) f.port.finish(name, 22u << 20);
  CHECK(f.state("b") == Medium::State::ready);
  CHECK(f.state("c") == Medium::State::failed);
  CHECK(f.port.started.size() == 6);
  for (const char* name : {"d", "e", "f"}) f.port.finish(name, 1);
  CHECK(f.port.started.size() == 6);
  CHECK(f.state("h") == Medium::State::failed);
  CHECK(f.done == 1);
}

// Counting with a vocabulary out of a file, on a thread (section 7.1).
#include "daemon/token_counter.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>

#include "../core/translate/tiny_vocabulary.h"
#include "base/sha256.h"

using namespace clasp;
using daemon::TokenCounter;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/clasp-counter-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() {
    for (const std::string& file : files) unlink(file.c_str());
    rmdir(path.c_str());
  }
  std::string write(const std::string& name, const std::string& text) {
    files.push_back(path + "/" + name);
    std::ofstream(files.back()) << text;
    return files.back();
  }
  std::string path;
  std::vector<std::string> files;
};

const std::shared_ptr<const bool> kWanted = std::make_shared<bool>(true);

TokenCounter::Job job(std::string vocabulary, exchange::CounterPort::Done done) {
  const std::string body = R"({"messages":[{"role":"user","content":"abab"}]})";
  return {{translate::Api::chat, body}, std::move(vocabulary), kWanted, std::move(done)};
}

std::optional<std::int64_t> count(TokenCounter& counter, const std::string& vocabulary) {
  std::promise<std::optional<std::int64_t>> told;
  REQUIRE(counter.ask(job(vocabulary, [&told](auto tokens) { told.set_value(tokens); })));
  return told.get_future().get();
}

}  // namespace

TEST_CASE("section 7.1: the vocabulary is read from its file when the first prompt is counted") {
  const std::string text = translate::vocabulary_text({"ab", "abab"});
  Folder files;
  const std::string file = files.write("vocabulary", text);
  TokenCounter counter(sha256_hex(text));
  // 3 to begin, 3 for the message, "user" by its bytes, and the text.
  CHECK(count(counter, file) == 3 + 3 + 4 + 1);
  // It is kept: the file is not needed any more.
  unlink(file.c_str());
  CHECK(count(counter, file) == 3 + 3 + 4 + 1);
  counter.stop();
  CHECK_FALSE(counter.ask(job(file, {})));
}

TEST_CASE("section 7.1: a file that is not the known vocabulary is not used") {
  Folder files;
  const std::string text = translate::vocabulary_text({"ab", "abab"});
  const std::string other = translate::vocabulary_text({"ab"});
  TokenCounter counter(sha256_hex(text));
  const auto told = [&](const std::string& file) { return count(counter, file); };
  CHECK_FALSE(told(files.path + "/missing"));
  CHECK_FALSE(told(files.write("other", other)));
  CHECK_FALSE(told(files.write("empty", "")));
  CHECK_FALSE(told(files.write("short", text.substr(0, 500))));
  CHECK_FALSE(told(files.write("large", std::string(17u << 20, 'x'))));
  CHECK_FALSE(told(files.path));
  const std::string pipe = files.path + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  files.files.push_back(pipe);
  CHECK_FALSE(told(pipe));
  // Another name is looked at at once.
  CHECK(told(files.write("good", text)) == 11);
  // What has the digest must still be a vocabulary.
  TokenCounter fooled(sha256_hex("nonsense"));
  CHECK_FALSE(count(fooled, files.write("nonsense", "nonsense")));
}

TEST_CASE("section 7.1: what waits is limited, and what nobody waits for is left out") {
  Folder files;
  const std::string text = translate::vocabulary_text({});
  const std::string file = files.write("vocabulary", text);
  TokenCounter counter(sha256_hex(text));
  std::promise<void> go, begun;
  REQUIRE(counter.ask(job(file, [&](auto) {
    begun.set_value();
    go.get_future().wait();
  })));
  begun.get_future().wait();
  bool called = false;
  auto unwanted = job(file, [&called](auto) { called = true; });
  auto wanted = std::make_shared<bool>(true);
  unwanted.wanted = wanted;
  CHECK(counter.ask(std::move(unwanted)));
  auto large = job(file, [](auto) {});
  large.prompt.body.assign(TokenCounter::kMostBytesWaiting, ' ');
  CHECK_FALSE(counter.ask(std::move(large)));
  std::promise<void> last;
  for (std::size_t i = 1; i < TokenCounter::kMostWaiting; ++i)
    REQUIRE(counter.ask(job(file, [&last, i](auto) {
      if (i + 1 == TokenCounter::kMostWaiting) last.set_value();
    })));
  CHECK_FALSE(counter.ask(job(file, [](auto) {})));
  wanted.reset();
  go.set_value();
  last.get_future().wait();
  CHECK_FALSE(called);
}

TEST_CASE(
    "section 7.1: the vocabulary stands beside the program, or where an administrator put it") {
  using Places = std::vector<std::string>;
  const std::string local = "/usr/local/share/clasp/o200k_base.tiktoken";
  CHECK(daemon::vocabulary_places("/usr/bin/clasp") ==
        Places{"/usr/share/clasp/o200k_base.tiktoken", local});
  CHECK(daemon::vocabulary_places("/opt/clasp/lib/ld-linux-x86-64.so.2") ==
        Places{"/opt/clasp/share/clasp/o200k_base.tiktoken", local});
  CHECK(daemon::vocabulary_places("") == Places{"/share/clasp/o200k_base.tiktoken", local});
}

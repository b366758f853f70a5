// Media that are prepared before a request is translated: what is asked for, and where it goes.
#include "core/translate/media.h"

#include <doctest/doctest.h>

#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

const std::string kImageUrl =
    R"({"type":"image","source":{"type":"url","url":"https:\/\/x/y.png"}})";
const std::string kPdf =
    R"({"type":"document","title":"A \"b\"","source":{"type":"base64","media_type":"application\/pdf","data":"JVBERi0="}})";
const std::string kPdfUrl =
    R"({"type":"document","source":{"type":"url","url":"https://x/a.pdf"}})";
const std::string kGo = said("user", "\"go\"") + ",";
const std::string kCall =
    said("assistant", R"([{"type":"tool_use","id":"t1","name":"Read","input":{}}])") + ",";
const std::string kTail = "," + said("assistant", "\"ok\"") + "," + said("user", "\"next\"");

std::string user(const std::string& blocks) {
  return said("user", "[" + blocks + "]");
}
std::string result(const std::string& blocks) {
  return R"({"type":"tool_result","tool_use_id":"t1","content":[)" + blocks + "]}";
}

constexpr MediaAbilities kAll{true, true};

// The wants of a request on a dialect, as a word for each.
std::string needs(const std::string& body, const std::string& dialect, MediaAbilities able = kAll,
                  bool vision = true) {
  const auto parsed = wire::parse_messages_request(body, false);
  REQUIRE(parsed);
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = "m";
  target.vision = vision;
  PreparedMedia media;
  media.abilities = able;
  std::string out;
  for (const MediaNeed& need : plan_media(*parsed, target, media)) {
    constexpr std::string_view kNames[] = {"image", "pdf", "text", "remote"};
    out.append(out.empty() ? "" : " ").append(kNames[static_cast<int>(need.want)]);
  }
  // Nothing is asked for twice.
  CHECK(plan_media(*parsed, target, media).empty());
  return out;
}

// Translates with `medium` as the answer to every need.
Result<TranslatedRequest, wire::ApiError> prepared(const std::string& body,
                                                   const std::string& dialect, const Medium& medium,
                                                   bool strict = false) {
  const auto parsed = wire::parse_messages_request(body, false);
  REQUIRE(parsed);
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = target.dialect->openai_families ? "gpt-4o" : "m";
  target.strict = strict;
  PreparedMedia media;
  media.abilities = kAll;
  for (const MediaNeed& need : plan_media(*parsed, target, media))
    media.put(need, std::make_shared<const Medium>(medium));
  RequestFacts facts;
  facts.media = &media;
  return translate_request(*parsed, target, facts);
}

const Medium kText{.state = Medium::State::ready, .raw = "page one"};
const Medium kPicture{.state = Medium::State::ready, .raw = "R0lG", .media_type = "image/gif"};
const Medium kFile{.state = Medium::State::ready, .raw = "JVBE", .media_type = "application/pdf"};
const Medium kFailed{.problem = "its server cannot be reached"};
const Medium kScan{.state = Medium::State::no_text};

bool holds(const std::string& body, std::string_view part) {
  return body.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("media: what each dialect needs prepared") {
  const std::string all = chat(user(kImageUrl + "," + kPdf + "," + kPdfUrl));
  for (const char* files : {"openai", "azure"}) CHECK(needs(all, files) == "pdf");
  CHECK(needs(all, "openrouter") == "");
  for (const char* urls : {"vllm", "xai", "mistral", "groq", "generic"})
    CHECK_MESSAGE(needs(all, urls) == "text remote", urls);
  for (const char* data : {"ollama", "llamacpp", "lmstudio", "gemini"})
    CHECK_MESSAGE(needs(all, data) == "image text remote", data);
  CHECK(needs(all, "deepseek") == "text remote");
  // A model that sees nothing can still read.
  CHECK(needs(all, "openai", kAll, false) == "text remote");
  CHECK(needs(all, "ollama", kAll, false) == "text remote");
  // Only what the daemon is able to do.
  CHECK(needs(all, "ollama", {false, true}) == "text");
  CHECK(needs(all, "ollama", {true, false}) == "image");
  CHECK(needs(all, "openai", {true, false}) == "pdf");
  CHECK(needs(all, "openai", {false, true}) == "");
  CHECK(needs(all, "ollama", {false, false}) == "");
}

TEST_CASE("media: found wherever the user's turns hold them, each once") {
  const std::string nested =
      R"({"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"},)" +
      kImageUrl + "]}}";
  CHECK(needs(chat(user(nested)), "ollama") == "image");
  CHECK(needs(chat(kGo + kCall + user(result(kPdf + "," + kImageUrl))), "ollama") == "text image");
  CHECK(needs(chat(user(kPdf) + "," + user(kPdf) + "," + user(kImageUrl + "," + kImageUrl)),
              "ollama") == "text image");
  CHECK(needs(chat(kGo + said("assistant", "[" + kPdf + "]") + "," + said("user", "\"x\"")),
              "ollama") == "");
  const std::string in_result =
      R"({"type":"tool_result","tool_use_id":"x","content":[)" + kImageUrl + "]}";
  CHECK(needs(chat(kGo + kCall + user(result(in_result))), "ollama") == "image");
  CHECK(needs(hi(), "ollama") == "");
  const std::string other =
      R"({"type":"document","source":{"type":"base64","media_type":"text/html","data":"JVBERi0="}})";
  CHECK(needs(chat(user(other)), "ollama") == "");
}

TEST_CASE("media: a request cannot ask for any number") {
  std::string blocks;
  for (int i = 0; i < 150; ++i)
    blocks += (i > 0 ? "," : "") +
              std::string(R"({"type":"image","source":{"type":"url","url":"https://x/)") +
              std::to_string(i) + "\"}}";
  const std::string all = needs(chat(user(blocks)), "ollama");
  CHECK(std::count(all.begin(), all.end(), ' ') == static_cast<long>(kMostMedia) - 1);
  const auto refused = prepared(chat(user(blocks)), "ollama", kPicture);
  REQUIRE(!refused);
  CHECK(refused.error().message.starts_with("messages.0.content.100.source: "));
  CHECK(prepared(chat(user(blocks) + kTail), "ollama", kPicture));
}

TEST_CASE("section 2.3: a fetched picture goes as data") {
  const auto u = prepared(chat(user(kImageUrl)), "lmstudio", kPicture);
  REQUIRE(u);
  CHECK(holds(u->body, R"("image_url":{"url":"data:image/gif;base64,R0lG"})"));
  CHECK(u->warnings.empty());
  const auto moved = prepared(chat(kGo + kCall + user(result(kImageUrl))), "lmstudio", kPicture);
  CHECK(holds(moved->body, "[image 1 attached below]"));
  CHECK(holds(moved->body, "data:image/gif;base64,R0lG"));
}

TEST_CASE("vector 50: a picture that could not be fetched") {
  const auto refused = prepared(chat(user(kImageUrl)), "lmstudio", kFailed);
  REQUIRE(!refused);
  CHECK(refused.error().status == 400);
  CHECK(refused.error().message ==
        "messages.0.content.0.source: image cannot be sent to this backend: its server cannot be "
        "reached");
  const auto history = prepared(chat(user(kImageUrl) + kTail), "lmstudio", kFailed);
  REQUIRE(history);
  CHECK(holds(history->body, "[image omitted: its server cannot be reached]"));
  CHECK(history->warnings == std::vector<std::string>{"image-omitted"});
}

TEST_CASE("section 2.3: the text of a PDF, wrapped like a text document") {
  const auto u = prepared(chat(user(kPdf)), "gemini", kText);
  REQUIRE(u);
  CHECK(holds(u->body, R"(<document title=\"A &quot;b&quot;\">\npage one\n</document>)"));
  CHECK(u->warnings == std::vector<std::string>{"document-text"});
  Medium cut = kText;
  cut.cut = true;
  CHECK(prepared(chat(user(kPdf)), "gemini", cut)->warnings ==
        std::vector<std::string>{"document-cut"});
  // What is lost is the pictures: strict mode does not have it.
  CHECK(!prepared(chat(user(kPdf)), "gemini", kText, true));
  const auto remote = prepared(chat(user(kPdfUrl)), "ollama", kText);
  CHECK(holds(remote->body, R"(<document>\npage one\n</document>)"));
}

TEST_CASE("section 2.3: a PDF by URL as a file") {
  const auto u = prepared(chat(user(kPdfUrl)), "openai", kFile);
  REQUIRE(u);
  CHECK(holds(u->body,
              R"("filename":"document-1.pdf","file_data":"data:application/pdf;base64,JVBE")"));
  CHECK(!prepared(chat(user(kPdfUrl)), "openai", kFailed));
  CHECK(prepared(chat(user(kPdfUrl) + kTail), "openai", kFailed));
}

TEST_CASE("section 2.3: a PDF of pictures is left out with a warning, a broken one is refused") {
  const auto scan = prepared(chat(user(kPdf)), "vllm", kScan);
  REQUIRE(scan);
  CHECK(holds(scan->body, "[document omitted: it holds pictures only, no text]"));
  CHECK(scan->warnings == std::vector<std::string>{"document-omitted"});
  CHECK(!prepared(chat(user(kPdf)), "vllm", kFailed));
  CHECK(prepared(chat(user(kPdf) + kTail), "vllm", kFailed));
}

TEST_CASE("vector 51: PDFs that a tool read, in its result or beside it, on every dialect") {
  for (const std::string_view dialect : dialect_names()) {
    for (const std::string& turn :
         {user(result(kPdf)), user(result(R"({"type":"text","text":"PDF read"})") + "," + kPdf)}) {
      const std::string body = chat(kGo + kCall + turn);
      for (const Medium& medium : {kText, kScan, kFailed}) {
        const auto u = prepared(body, std::string(dialect), medium);
        REQUIRE_MESSAGE(u, dialect << ": " << u.error().message);
        const bool file = holds(u->body, "\"file_data\":\"data:application");
        const bool text = holds(u->body, "page one");
        const bool omitted = holds(u->body, "[document omitted");
        CHECK_MESSAGE(
            static_cast<int>(file) + static_cast<int>(text) + static_cast<int>(omitted) == 1,
            dialect << u->body);
        CHECK(file == find_dialect(dialect)->pdf_files);
        if (!file) CHECK(text == (medium.state == Medium::State::ready));
      }
    }
  }
}

// The shape of what backends get (translation spec §2.7, §2.8, §3.8), of one and the same hostile
// conversation in every dialect: whatever stands in it, roles, calls, ids, names and parts are such
// that no server has a reason to refuse them, and the user's words arrive once and unchanged.
#include <doctest/doctest.h>

#include <set>

#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

const std::string kImage =
    R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}})";
const std::string kPdf =
    R"({"type":"document","title":"a\"b<\u00e9>.pdf","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQ="}})";

class Talk {
 public:
  explicit Talk(std::uint64_t seed) : state_(seed * 2862933555777941757u + 3037000493u) {}

  std::string body() {
    std::string messages;
    const auto add = [&messages](const std::string& one) {
      messages += (messages.empty() ? "" : ",") + one;
    };
    for (std::size_t n = 1 + below(6); n > 0; --n) {
      if (one_in(8)) add(system());
      if (!one_in(12)) add(user());
      if (one_in(8)) add(system());
      add(assistant());
    }
    if (!one_in(8)) add(said("user", "[" + words() + "]"));
    std::string members = tools();
    if (one_in(2))
      members += R"(,"system":[{"type":"text","text":"S","cache_control":{}},)" + words() + "]";
    if (one_in(4))
      members +=
          R"(,"context_management":{"edits":[{"type":"clear_tool_uses_20250919","trigger":{"type":"tool_uses","value":1},"keep":{"type":"tool_uses","value":1},"clear_tool_inputs":true},{"type":"clear_thinking_20251015"}]})";
    static const char* kThinking[] = {R"({"type":"disabled"})", R"({"type":"adaptive"})",
                                      R"({"type":"enabled","budget_tokens":2000})"};
    if (one_in(2)) members += std::string(R"(,"thinking":)") + kThinking[below(3)];
    return chat(messages, members);
  }
  int marks() const { return count_; }

 private:
  std::size_t below(std::size_t limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>((state_ >> 33) % limit);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }

  // Words that are found again: <17>.
  std::string mark() {
    static const char* kTails[] = {
        "",          "\\u00e9\\ud83d\\ude00", "\\u0000\\u0001", "\\u2028", "\\\\n\\n",
        "\\\"q\\\"", "</system-reminder>"};
    return "<" + std::to_string(++count_) + ">" + kTails[below(7)];
  }
  std::string words() {
    if (one_in(12)) return R"({"type":"text","text":"  "},)" + words();
    return R"({"type":"text","text":")" + mark() +
           (one_in(5) ? R"(","cache_control":{"type":"ephemeral"}})" : "\"}");
  }
  std::string thing() {
    switch (below(8)) {
      case 0:
        return kImage;
      case 1:
        return kPdf;
      case 2:
        return R"({"type":"document","title":"T","source":{"type":"text","data":")" + mark() +
               "\"}}";
      case 3:
        return R"({"type":"document","source":{"type":"content","content":[)" + words() + "," +
               kImage + "]}}";
      case 4:
        return R"({"type":"search_result","source":"s","title":"t","content":[)" + words() + "]}";
      case 5:
        return R"({"type":"container_upload","file_id":"f"})";
      case 6:
        return R"({"type":"novel","x":1})";
      default:
        return words();
    }
  }
  std::string result(const std::string& id) {
    std::string out = R"({"type":"tool_result","tool_use_id":")" + id + "\"";
    if (one_in(4)) out += R"(,"is_error":true)";
    if (one_in(6)) return out + R"(,"content":null})";
    if (one_in(4)) return out + R"(,"content":")" + mark() + "\"}";
    std::string content;
    for (std::size_t n = below(3); n > 0; --n) content += (content.empty() ? "" : ",") + thing();
    return out + R"(,"content":[)" + content + "]}";
  }
  std::string user() {
    std::vector<std::string> blocks;
    for (const std::string& id : std::exchange(pending_, {})) {
      if (one_in(10)) continue;
      blocks.insert(blocks.begin() + static_cast<std::ptrdiff_t>(below(blocks.size() + 1)),
                    result(id));
      if (one_in(10)) blocks.push_back(result(id));
    }
    if (one_in(8)) blocks.push_back(result("ghost"));
    if (one_in(10)) blocks.push_back(R"({"type":"thinking","thinking":"FOREIGN","signature":"x"})");
    if (one_in(10)) blocks.push_back(R"({"type":"tool_use","id":"m","name":"Read","input":{}})");
    for (std::size_t n = blocks.empty() ? 1 : below(3); n > 0; --n) blocks.push_back(thing());
    std::string list;
    for (const std::string& block : blocks) list += (list.empty() ? "" : ",") + block;
    return said("user", "[" + list + "]");
  }
  std::string system() {
    if (one_in(6)) return R"({"role":"system","output_config":{"effort":"high"}})";
    return said("system", "[" + words() + "]");
  }
  std::string call() {
    static const char* kIds[] = {"call_0",           "call_1", "call_0-2",
                                 "functions.Read:0", "a|b",    "\\u0438"};
    static const char* kInputs[] = {
        "{}",       "null", R"("{\"a\":1}")",
        "\"junk\"", "[1]",  R"({"a":[1,{"b":12345678901234567890123}],"c":"\u2028"})"};
    static const char* kNames[] = {"Read", "bad.name", "0start", "\\u00e9"};
    const std::string id = one_in(3)
                               ? "toolu_" + std::string(below(60), 'x') + std::to_string(++ids_)
                               : kIds[below(6)];
    pending_.push_back(id);
    const std::string name = one_in(6) ? std::string(80, 'n') : kNames[below(4)];
    return R"({"type":"tool_use","id":")" + id + R"(","name":")" + name + R"(","input":)" +
           kInputs[below(6)] + (one_in(5) ? R"(,"toolset_name":"computer"})" : "}");
  }
  std::string assistant() {
    std::string list;
    for (std::size_t n = below(5); n > 0; --n) {
      std::string block;
      switch (below(9)) {
        case 0:
          block = R"({"type":"thinking","thinking":"FOREIGN","signature":"EqQB"})";
          break;
        case 1:
          block =
              R"({"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"T","url":"u","encrypted_content":"FOREIGN"}]})";
          break;
        case 2:
          block = one_in(2) ? kImage : R"({"type":"tool_result","tool_use_id":"z","content":"x"})";
          break;
        case 3:
        case 4:
          block = words();
          break;
        default:
          block = call();
      }
      list += (list.empty() ? "" : ",") + block;
    }
    return said("assistant", "[" + (list.empty() ? words() : list) + "]");
  }
  std::string tools() {
    return R"("tools":[{"name":"Read","strict":true,"input_schema":{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":["string","null"]}}}},{"name":"bad.name","input_schema":{"anyOf":[{"type":"object"}]}},{"type":"bash_20250124","name":"bash"},{"type":"computer_toolset_20260801"},{"name":"Later","defer_loading":true,"input_schema":{"type":"object"}}],"tool_choice":{"type":")" +
           std::string(one_in(2)   ? "any"
                       : one_in(2) ? "none"
                                   : "auto") +
           "\"}";
  }

  std::uint64_t state_;
  int count_ = 0, ids_ = 0;
  std::vector<std::string> pending_;
};

bool plain_name(const std::string& text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

// What must hold in each dialect, one message after the other.
class Checker {
 public:
  Checker(const Translated& u, const Setup& setup)
      : u_(u),
        mistral_(setup.dialect == "mistral"),
        alternates_(!setup.flags.empty()),
        dialect_(*find_dialect(setup.dialect)) {}

  void run() {
    const std::size_t count = u_.size("messages");
    for (std::size_t i = 0; i < count; ++i) message("messages." + std::to_string(i));
    CHECK(waiting_.empty());
    CHECK(u_.body.find("FOREIGN") == std::string::npos);
    for (std::size_t i = 0; i < u_.size("tools"); ++i)
      CHECK(plain_name(u_.text("tools." + std::to_string(i) + ".function.name"), 64));
    CHECK((u_.at("tool_choice").empty() || u_.size("tools") > 0));
    CHECK((u_.at("max_tokens").empty() != u_.at("max_completion_tokens").empty()));
  }

 private:
  void message(const std::string& path) {
    const std::string role = u_.text(path + ".role");
    if (role == "tool") {
      REQUIRE_FALSE(waiting_.empty());
      CHECK(u_.text(path + ".tool_call_id") == waiting_.front());
      waiting_.erase(waiting_.begin());
      if (dialect_.nonempty_tool) CHECK(u_.at(path + ".content") != "\"\"");
    } else {
      CHECK(waiting_.empty());
      if (mistral_) CHECK_FALSE((role == "user" && last_ == "tool"));
      if (alternates_) CHECK(role != last_);
      if (dialect_.mid_system == MidSystem::fold && !last_.empty()) CHECK(role != "system");
    }
    content(path, role);
    calls(path, role);
    last_ = role;
  }
  void content(const std::string& path, const std::string& role) {
    const std::string content = u_.at(path + ".content");
    const bool silent = content.empty() || content == "null" || content == "\"\"";
    if (silent) CHECK((role == "tool" || u_.size(path + ".tool_calls") > 0));
    if (content == "null") CHECK(dialect_.null_content);
    CHECK(content != "[]");
    for (std::size_t i = 0; !content.empty() && content[0] == '[' && i < u_.size(path + ".content");
         ++i) {
      const std::string part = path + ".content." + std::to_string(i);
      const std::string type = u_.text(part + ".type");
      if (type == "text") CHECK(u_.at(part + ".text") != "\"\"");
      if (type == "image_url") CHECK((dialect_.images && (role == "user" || dialect_.tool_parts)));
      if (type == "file") CHECK(dialect_.pdf_files);
      if (!u_.at(part + ".cache_control").empty()) CHECK(dialect_.cache_control);
    }
  }
  void calls(const std::string& path, const std::string& role) {
    for (std::size_t i = 0; i < u_.size(path + ".tool_calls"); ++i) {
      const std::string call = path + ".tool_calls." + std::to_string(i);
      CHECK(role == "assistant");
      const std::string id = u_.text(call + ".id");
      CHECK(ids_.insert(id).second);
      CHECK(plain_name(
          id, dialect_.max_tool_id > 0 ? static_cast<std::size_t>(dialect_.max_tool_id) : 200));
      if (mistral_) CHECK(id.size() == 9);
      CHECK(plain_name(u_.text(call + ".function.name"), 64));
      if (dialect_.letter_names)
        CHECK(std::isdigit(static_cast<unsigned char>(u_.text(call + ".function.name")[0])) == 0);
      const std::string arguments = u_.text(call + ".function.arguments");
      CHECK((arguments.starts_with("{") && arguments.ends_with("}")));
      waiting_.push_back(id);
    }
  }

  const Translated& u_;
  bool mistral_, alternates_;
  const Dialect& dialect_;
  std::vector<std::string> waiting_;
  std::set<std::string> ids_;
  std::string last_;
};

std::size_t times(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("shapes: whatever a conversation holds, every dialect gets what its servers accept") {
  std::vector<Setup> setups;
  for (const auto name : dialect_names())
    if (name != "anthropic") setups.push_back({.dialect = std::string(name)});
  setups.push_back({.dialect = "generic", .flags = {{"strict_alternation", "true"}}});
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Talk talk(seed);
    const std::string body = talk.body();
    const bool edited = body.find("context_management") != std::string::npos;
    for (const Setup& setup : setups) {
      CAPTURE(seed);
      CAPTURE(setup.dialect);
      const Translated u = ask(body, setup);
      Checker(u, setup).run();
      for (int mark = 1; mark <= talk.marks(); ++mark) {
        const std::string word = "<" + std::to_string(mark) + ">";
        CAPTURE(word);
        const std::size_t found = times(u.body, word);
        CHECK(found == (edited && found == 0 ? 0 : times(body, word)));
      }
    }
  }
}

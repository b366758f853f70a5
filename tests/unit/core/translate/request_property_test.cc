// Laws that hold for every conversation and every dialect (translation spec §0.2.4, §2.7, §2.8,
// vectors 67 and 145), tried on random ones: the same input gives the same bytes, the messages of a
// turn are the beginning of the next turn's, every call is followed by its one result.
#include "core/translate/signature.h"
#include "core/wire/json_reader.h"
#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 2862933555777941757u + 3037000493u) {}
  std::size_t below(std::size_t limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>((state_ >> 33) % limit);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

const std::string kImage =
    R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}})";

// Grows by whole turns. A request may be made whenever the user (or a system turn behind the
// user's) spoke last.
class Conversation {
 public:
  explicit Conversation(std::uint64_t seed) : dice_(seed) {}

  void user_turn() {
    std::vector<std::string> blocks;
    for (const std::string& id : pending_) {
      // Results come in any order, some never.
      if (dice_.one_in(12)) continue;
      const std::size_t at = dice_.below(blocks.size() + 1);
      blocks.insert(blocks.begin() + static_cast<std::ptrdiff_t>(at), result(id));
    }
    const bool words = pending_.empty() || dice_.one_in(3);
    pending_.clear();
    if (words || blocks.empty()) {
      const std::size_t at = dice_.one_in(3) ? 0 : blocks.size();
      blocks.insert(blocks.begin() + static_cast<std::ptrdiff_t>(at), text());
      for (std::size_t n = dice_.below(3); n > 0; --n) blocks.push_back(user_block());
    }
    add("user", blocks);
  }

  void system_turn() { add("system", {text()}); }

  void assistant_turn() {
    std::vector<std::string> blocks;
    if (dice_.one_in(2)) blocks.push_back(thinking());
    for (std::size_t n = dice_.below(4); n > 0; --n) blocks.push_back(assistant_block());
    if (blocks.empty() || dice_.one_in(3)) blocks.push_back(text());
    add("assistant", blocks);
  }

  std::string body() const {
    return chat(
        messages_,
        R"("system":[{"type":"text","text":"S"},{"type":"text","text":"more"}],"tools":[{"name":"Read","input_schema":{"type":"object"}}])");
  }

 private:
  std::string text() {
    static const char* kWords[] = {"hi", "a\\n\\nb", "\\u00e9\\ud83d\\ude00", "tab\\t \\\"q\\\"",
                                   "  ", "x\\\\n"};
    return R"({"type":"text","text":")" + std::string(kWords[dice_.below(6)]) +
           std::to_string(++count_) + "\"}";
  }
  std::string thinking() {
    const char kind = "tgon"[dice_.below(4)];
    const std::string state = kind == 'o'   ? R"([{"type":"reasoning.text","text":"d"}])"
                              : kind == 'g' ? R"({"text":"sig"})"
                                            : "{}";
    const std::string signature =
        dice_.one_in(4) ? "foreign" : encode_signature({"vllm", "b0b0b0b0", "m", kind, state});
    return R"({"type":"thinking","thinking":"hm)" + std::to_string(++count_) +
           R"(","signature":")" + signature + "\"}";
  }
  std::string document() {
    return dice_.one_in(2)
               ? R"({"type":"document","title":"T","source":{"type":"text","data":"D"}})"
               : R"({"type":"document","source":{"type":"content","content":[{"type":"text","text":"d"},)" +
                     kImage + "]}}";
  }
  std::string user_block() {
    switch (dice_.below(5)) {
      case 0:
        return kImage;
      case 1:
        return document();
      case 2:
        return R"({"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"r"}]})";
      case 3:
        return R"({"type":"novel_block"})";
      default:
        return text();
    }
  }
  std::string assistant_block() {
    switch (dice_.below(6)) {
      case 0:
        return text();
      case 1:
        return R"({"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}})";
      case 2:
        return R"({"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"T","url":"u"}]})";
      default: {
        // Ids of servers that count from zero repeat; others are long or odd.
        static const char* kIds[] = {"call_0", "call_1", "call_0-2", "functions.Read:0"};
        std::string id = dice_.one_in(2) ? kIds[dice_.below(4)]
                                         : "toolu_" + std::string(dice_.below(60), 'x') +
                                               std::to_string(++count_);
        pending_.push_back(id);
        return R"({"type":"tool_use","id":")" + id + R"(","name":"Read","input":{"n":)" +
               std::to_string(count_) + "}}";
      }
    }
  }
  std::string result(const std::string& id) {
    std::string content = dice_.one_in(6) ? "\"\"" : "[" + text();
    if (content != "\"\"") {
      if (dice_.one_in(3)) content += "," + kImage;
      if (dice_.one_in(6)) content += R"(,{"type":"image","source":{"type":"url","url":"u"}})";
      if (dice_.one_in(6))
        content +=
            R"(,{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AA=="}})";
      if (dice_.one_in(6)) content += "," + document();
      if (dice_.one_in(6)) content += R"(,{"type":"tool_reference","tool_name":"Read"})";
      content += "]";
    }
    return R"({"type":"tool_result","tool_use_id":")" + id + R"(","content":)" + content +
           (dice_.one_in(4) ? R"(,"is_error":true})" : "}");
  }
  void add(const std::string& role, const std::vector<std::string>& blocks) {
    std::string list;
    for (const std::string& block : blocks) list += (list.empty() ? "" : ",") + block;
    messages_ += (messages_.empty() ? "" : ",") + said(role, "[" + list + "]");
  }

  Dice dice_;
  std::string messages_;
  std::vector<std::string> pending_;
  int count_ = 0;
};

using Flags = std::vector<std::pair<std::string, std::string>>;

std::vector<Setup> setups() {
  std::vector<Setup> all;
  for (const auto name : dialect_names()) all.push_back({.dialect = std::string(name)});
  all.push_back({.dialect = "openai", .model = "gpt-5.6"});
  all.push_back({.dialect = "openrouter", .model = "anthropic/claude-x"});
  all.push_back({.dialect = "openrouter", .model = "mistralai/mistral-large"});
  all.push_back({.dialect = "vllm", .model = "kimi-k2"});
  for (const Flags& flags :
       {Flags{{"strict_alternation", "true"}, {"string_content", "true"}},
        Flags{{"system_role", "user"}, {"tool_message_name", "true"}},
        Flags{{"strict_alternation", "true"}, {"system_role", "user"}, {"mid_system", "keep"}},
        Flags{{"mid_system", "keep"}, {"tool_parts", "true"}, {"replay", "reasoning_content"}},
        Flags{{"max_calls", "1"}, {"null_content", "true"}, {"pdf_files", "true"}},
        Flags{{"images", "false"}, {"image_urls", "false"}, {"nonempty_tool", "true"}}})
    all.push_back({.dialect = "generic", .flags = flags});
  return all;
}

// The messages array without its last bracket.
std::string messages_of(const std::string& body) {
  std::string list(wire::json_member(body, "messages").value_or("?"));
  REQUIRE(list.ends_with("]"));
  list.pop_back();
  return list;
}

// Assistant messages with calls are followed by one tool message for each, in order.
void check_pairs(const Translated& u) {
  std::vector<std::string> waiting;
  for (std::size_t i = 0; i < u.size("messages"); ++i) {
    const std::string path = "messages." + std::to_string(i);
    const std::string role = u.text(path + ".role");
    if (role == "tool") {
      REQUIRE_FALSE(waiting.empty());
      CHECK(u.text(path + ".tool_call_id") == waiting.front());
      waiting.erase(waiting.begin());
      continue;
    }
    CHECK(waiting.empty());
    for (std::size_t c = 0; c < u.size(path + ".tool_calls"); ++c)
      waiting.push_back(u.text(path + ".tool_calls." + std::to_string(c) + ".id"));
  }
  CHECK(waiting.empty());
}

}  // namespace

TEST_CASE("vector 145: every turn's messages are the beginning of the next turn's") {
  for (const Setup& setup : setups()) {
    CAPTURE(setup.dialect);
    CAPTURE(setup.model);
    CAPTURE(setup.flags.empty() ? "" : setup.flags.front().first);
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      CAPTURE(seed);
      Conversation talk(seed);
      Dice dice(seed + 1000);
      std::string before;
      if (dice.one_in(4)) talk.assistant_turn();
      for (int turn = 0; turn < 8; ++turn) {
        talk.user_turn();
        if (dice.one_in(3)) talk.system_turn();
        const Translated u = ask(talk.body(), setup);
        CHECK(u.body == ask(talk.body(), setup).body);
        const std::string now = messages_of(u.body);
        if (!now.starts_with(before)) {
          FAIL_CHECK("was: " << before << "\nnow: " << now << "\nof: " << talk.body());
          return;
        }
        check_pairs(u);
        before = now;
        // Some turns carry a word of the system ahead of the model's.
        talk.assistant_turn();
        if (dice.one_in(4)) talk.system_turn();
      }
    }
  }
}

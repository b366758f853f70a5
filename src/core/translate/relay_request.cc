// One pass of the strict reader over the body collects edits, one copy applies them. Where a name
// is repeated in an object every value is treated, because backends differ in which one counts.
#include "core/translate/relay_request.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "core/wire/anthropic_request.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::JsonReader;
using wire::raw_equals;
using Kind = JsonReader::Kind;

constexpr std::string_view kOwnPrefix = "clasp1.";
constexpr std::string_view kOwnSearchPrefix = "srvtoolu_clasp";
constexpr std::string_view kSummaryHead =
    R"({"type":"text","text":"[Summary of the earlier conversation]\n)";
constexpr std::string_view kSummaryTail = "\"}";
constexpr std::string_view kThinkingOff = R"({"type":"disabled"})";

struct Span {
  std::size_t begin = 0, end = 0;
};

struct Edit {
  Span span;
  std::string_view text;  // what takes its place
};

// Cuts elements out of a list together with the comma that would be left over.
class ListCutter {
 public:
  explicit ListCutter(std::vector<Edit>& edits) : edits_(edits) {}

  void keep(Span item) {
    if (cut_first_) edits_.push_back({{cut_first_->begin, item.begin}, {}});
    cut_first_.reset();
    kept_ = true;
    end_ = item.end;
  }
  void cut(Span item) {
    if (kept_) {
      edits_.push_back({{end_, item.end}, {}});
      end_ = item.end;
    } else {
      cut_first_ = {cut_first_ ? cut_first_->begin : item.begin, item.end};
    }
  }
  // After the last element. True when nothing of a list that had elements is left.
  bool finish() {
    if (!cut_first_) return false;
    edits_.push_back({*cut_first_, {}});
    return true;
  }

 private:
  std::vector<Edit>& edits_;
  std::optional<Span> cut_first_;  // elements cut at the list's beginning
  std::size_t end_ = 0;            // of the last element that was looked at
  bool kept_ = false;
};

// Follows the conversation to its end: does the tool loop that is running there lack the thinking
// that was cut out of it? Anthropic refuses such a loop while thinking is on.
class ToolLoop {
 public:
  struct Turn {
    enum class Role { other, user, assistant };
    Role role = Role::other;
    bool tool_use = false, tool_result = false;
    bool cut = false;             // a thinking block of ours was taken out
    bool thinking_first = false;  // one is left before the first tool_use
  };
  void add(const Turn& turn) {
    if (turn.role == Turn::Role::assistant) {
      // Neighbouring turns of one side are one turn for Anthropic.
      const bool thinking = turn.thinking_first && !spoken_.tool_use;
      spoken_.cut = spoken_.cut || turn.cut;
      spoken_.thinking_first = spoken_.thinking_first || thinking;
      spoken_.tool_use = spoken_.tool_use || turn.tool_use;
      running_ = false;
    } else if (turn.role == Turn::Role::user) {
      running_ = turn.tool_result;
      const bool lacks = spoken_.cut && spoken_.tool_use && !spoken_.thinking_first;
      lacking_ = turn.tool_result && (lacking_ || lacks);
      spoken_ = {};
    }
  }
  bool lacks_thinking() const { return running_ && lacking_; }

 private:
  Turn spoken_;           // the assistant's, up to here
  bool running_ = false;  // the last turn brings results of tools
  bool lacking_ = false;
};

class Rewriter {
 public:
  Rewriter(std::string_view body, std::string_view model)
      : body_(body), model_(model), reader_(body) {}

  Result<RelayedRequest, wire::ApiError> run() {
    if (reader_.kind() != Kind::object) return refuse("The request body is not a JSON object");
    JsonReader::Members members(reader_);
    std::string_view key;
    while (members.next(key))
      if (!read_member(key)) break;
    if (too_many_) return refuse(too_many_);
    if (!reader_.at_end()) return refuse("The request body is not valid JSON");
    RelayedRequest out;
    if (thinking_on_ && loop_.lacks_thinking()) {
      disable_thinking();
      out.thinking_disabled = true;
    }
    out.body = apply();
    return out;
  }

 private:
  static tl::unexpected<wire::ApiError> refuse(const char* why) {
    return tl::unexpected<wire::ApiError>(wire::refuse_request(why));
  }

  bool read_member(std::string_view key) {
    if (raw_equals(key, "model")) return read_model();
    if (raw_equals(key, "messages")) return read_messages();
    if (raw_equals(key, "thinking")) return read_thinking();
    if (!raw_equals(key, "context_management")) return reader_.skip();
    Span span;
    return read_span(span) && (contexts_.push_back(span), true);
  }

  // Any value, as a place in the body.
  bool read_span(Span& span) {
    std::string_view json;
    if (!reader_.skip(json)) return false;
    span.begin = static_cast<std::size_t>(json.data() - body_.data());
    span.end = span.begin + json.size();
    return true;
  }
  // The inside of a string; anything else is passed over and gives nothing.
  bool read_loose(std::string_view& raw) {
    raw = {};
    return reader_.kind() == Kind::string ? reader_.string(raw) : reader_.skip();
  }

  bool read_model() {
    Span span;
    if (!read_span(span)) return false;
    const std::string_view json = slice(span);
    if (json.front() != '"') return true;
    if (decode_json_string(json.substr(1, json.size() - 2)) == model_) return true;
    if (model_json_.empty()) append_json_string(model_json_, model_);
    edits_.push_back({span, model_json_});
    return true;
  }

  bool read_thinking() {
    Span span;
    if (!read_span(span)) return false;
    thinkings_.push_back(span);
    const std::string_view type = wire::json_string_member(slice(span), "type");
    thinking_on_ = !type.empty() && !raw_equals(type, "disabled");
    return true;
  }

  bool read_messages() {
    if (reader_.kind() != Kind::array) return reader_.skip();
    loop_ = {};
    ListCutter cutter(edits_);
    std::size_t count = 0;
    JsonReader::Items items(reader_);
    while (items.next()) {
      if (++count > wire::kMaxMessages)
        return stop("messages: too many messages: at most 100000 are accepted");
      const std::size_t edits_before = edits_.size();
      bool emptied = false;
      Span item;
      if (!read_message(item, emptied)) return false;
      if (emptied) {
        // A message without content is not accepted: it goes as a whole.
        edits_.resize(edits_before);
        cutter.cut(item);
      } else {
        cutter.keep(item);
      }
    }
    cutter.finish();
    return reader_.ok();
  }

  bool read_message(Span& item, bool& emptied) {
    if (reader_.kind() != Kind::object) return read_span(item);
    item.begin = reader_.offset();
    ToolLoop::Turn turn;
    JsonReader::Members members(reader_);
    std::string_view key;
    while (members.next(key)) {
      bool good = true;
      if (raw_equals(key, "role")) {
        std::string_view role;
        good = read_loose(role);
        turn.role = raw_equals(role, "user")        ? ToolLoop::Turn::Role::user
                    : raw_equals(role, "assistant") ? ToolLoop::Turn::Role::assistant
                                                    : ToolLoop::Turn::Role::other;
      } else if (raw_equals(key, "content")) {
        good = read_content(turn, emptied);
      } else {
        good = reader_.skip();
      }
      if (!good) return false;
    }
    item.end = reader_.offset();
    loop_.add(turn);
    return reader_.ok();
  }

  bool read_content(ToolLoop::Turn& turn, bool& emptied) {
    emptied = false;
    if (reader_.kind() != Kind::array) return reader_.skip();
    ListCutter cutter(edits_);
    JsonReader::Items items(reader_);
    while (items.next()) {
      if (++blocks_ > wire::kMaxBlocks) return stop("messages: too many content blocks");
      Span item;
      if (reader_.kind() != Kind::object) {
        if (!read_span(item)) return false;
        cutter.keep(item);
        continue;
      }
      bool own = false;
      if (!read_block(item, own, turn)) return false;
      if (own)
        cutter.cut(item);
      else
        cutter.keep(item);
    }
    emptied = cutter.finish();
    return reader_.ok();
  }

  // `own`: thinking that this program signed, or a search that it told of; of no use to others.
  bool read_block(Span& item, bool& own, ToolLoop::Turn& turn) {
    item.begin = reader_.offset();
    const std::size_t edits_before = edits_.size();
    bool thinking = false, signed_here = false, tool_use = false, tool_result = false;
    bool summary = false;
    std::string_view content;
    own = false;
    JsonReader::Members members(reader_);
    std::string_view key, raw;
    while (members.next(key)) {
      bool good = true;
      if (raw_equals(key, "type")) {
        good = read_loose(raw);
        thinking = thinking || raw_equals(raw, "thinking") || raw_equals(raw, "redacted_thinking");
        tool_use = raw_equals(raw, "tool_use");
        tool_result = raw_equals(raw, "tool_result");
        summary = raw_equals(raw, "compaction");
      } else if (raw_equals(key, "signature") || raw_equals(key, "data")) {
        good = read_loose(raw);
        signed_here = signed_here || wire::raw_starts_with(raw, kOwnPrefix);
      } else if (raw_equals(key, "id") || raw_equals(key, "tool_use_id")) {
        good = read_loose(raw);
        own = own || wire::raw_starts_with(raw, kOwnSearchPrefix);
      } else if (raw_equals(key, "content")) {
        good = read_loose(content);
      } else if (raw_equals(key, "citations")) {
        good = read_citations();
      } else {
        good = reader_.skip();
      }
      if (!good) return false;
    }
    item.end = reader_.offset();
    const bool own_thinking = thinking && signed_here;
    own = own || own_thinking || (summary && signed_here && content.empty());
    // What is taken out is not edited.
    if (own || (summary && signed_here)) edits_.resize(edits_before);
    if (summary && signed_here && !own) unwrap_summary(item, content);
    turn.cut = turn.cut || own_thinking;
    turn.thinking_first = turn.thinking_first || (thinking && !own && !turn.tool_use);
    turn.tool_use = turn.tool_use || tool_use;
    turn.tool_result = turn.tool_result || tool_result;
    return reader_.ok();
  }

  // A summary of ours holds all that came before: it goes on as text.
  void unwrap_summary(Span item, std::string_view content) {
    const auto begin = static_cast<std::size_t>(content.data() - body_.data());
    edits_.push_back({{item.begin, begin}, kSummaryHead});
    edits_.push_back({{begin + content.size(), item.end}, kSummaryTail});
  }

  // Citations that this program made from another server's annotations carry its mark too.
  bool read_citations() {
    if (reader_.kind() != Kind::array) return reader_.skip();
    ListCutter cutter(edits_);
    JsonReader::Items items(reader_);
    while (items.next()) {
      Span item;
      if (!read_span(item)) return false;
      const std::string_view mark = wire::json_string_member(slice(item), "encrypted_index");
      if (wire::raw_starts_with(mark, kOwnPrefix))
        cutter.cut(item);
      else
        cutter.keep(item);
    }
    cutter.finish();
    return reader_.ok();
  }

  // Context editing that clears thinking is refused where thinking is off.
  void disable_thinking() {
    for (const Span& span : thinkings_) edits_.push_back({span, kThinkingOff});
    for (const Span& span : contexts_) {
      const auto list = wire::json_member(slice(span), "edits");
      if (!list) continue;
      const auto base = static_cast<std::size_t>(list->data() - body_.data());
      JsonReader reader(*list);
      if (reader.kind() != Kind::array) continue;
      ListCutter cutter(edits_);
      JsonReader::Items items(reader);
      std::string_view item;
      while (items.next() && reader.skip(item)) {
        const Span at{base + reader.offset() - item.size(), base + reader.offset()};
        if (wire::raw_starts_with(wire::json_string_member(item, "type"), "clear_thinking"))
          cutter.cut(at);
        else
          cutter.keep(at);
      }
      cutter.finish();
    }
  }

  std::string apply() {
    // Edits of lists are found at the list's end, those of thinking last of all.
    std::sort(edits_.begin(), edits_.end(),
              [](const Edit& a, const Edit& b) { return a.span.begin < b.span.begin; });
    std::string out;
    out.reserve(body_.size() + model_json_.size() + kThinkingOff.size());
    std::size_t at = 0;
    for (const Edit& edit : edits_) {
      out.append(body_.substr(at, edit.span.begin - at)).append(edit.text);
      at = edit.span.end;
    }
    out.append(body_.substr(at));
    return out;
  }

  bool stop(const char* why) {
    too_many_ = why;
    return false;
  }
  std::string_view slice(Span span) const {
    return body_.substr(span.begin, span.end - span.begin);
  }

  std::string_view body_, model_;
  JsonReader reader_;
  std::string model_json_;
  std::vector<Edit> edits_;  // disjoint
  std::vector<Span> thinkings_, contexts_;
  ToolLoop loop_;
  std::size_t blocks_ = 0;
  bool thinking_on_ = false;
  const char* too_many_ = nullptr;
};

}  // namespace

Result<RelayedRequest, wire::ApiError> relay_request(std::string_view body,
                                                     std::string_view model) {
  return Rewriter(body, model).run();
}

}  // namespace clasp::translate

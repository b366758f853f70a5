// What a backend must get back to go on with its reasoning, collected while a thinking block is
// being received and packed into the block's signature (translation spec §2.5, §4.3.1).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/translate/reply_context.h"
#include "core/wire/openai_chat.h"

namespace clasp::translate {

class ReasoningState {
 public:
  // Thinking text that the block itself will not show. Raw, clean.
  void add_text(std::string_view raw);
  // One entry of reasoning_details; pieces of one entry are merged.
  void add_detail(const wire::ChatReasoningDetail& detail);
  // A gemini signature; `key` is the client's tool id, or "text". Raw.
  void add_thought_signature(std::string_view key, std::string_view raw);

  // One output item of the Responses API; valid JSON.
  void set_item(std::string_view json) { item_.assign(json); }

  bool empty() const {
    return text_.empty() && details_.empty() && signatures_.empty() && item_.empty();
  }
  // Takes over what `other` holds, behind what is here.
  void append(const ReasoningState& other);

  std::string render_signature(const ReplyContext& context) const;
  // The same of one output item.
  static std::string render_item(const ReplyContext& context, std::string_view json);
  // A signature that says where the reply came from and nothing else.
  static std::string render_tag(const ReplyContext& context);

 private:
  // One entry of reasoning_details. `json` is its first piece, kept whole for the members that
  // nobody here knows; the others are merged from all pieces.
  struct Detail {
    std::string type, index, id, json;
    std::string text, summary, data, signature, format;  // raw
    bool has_text = false, has_summary = false;
    bool merged = false;  // of more than one piece
  };

  static std::string render_detail(const Detail& detail);
  std::string render_details() const;
  std::string render_signatures() const;

  std::string text_;  // raw
  bool text_cut_ = false;
  std::vector<Detail> details_;
  std::vector<std::pair<std::string, std::string>> signatures_;  // key -> clean raw
  std::string item_;
  std::size_t bytes_ = 0;
};

}  // namespace clasp::translate

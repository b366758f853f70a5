// Tool calls that a model writes into its text instead of making them, for backends where that is
// switched on (translation spec §4.3.5, flag parse_text_tools). Understands
//   <tool_call>{"name":…,"arguments":{…}}</tool_call>            Hermes, Qwen
//   <tool_call><function=NAME><parameter=KEY>…</parameter></function></tool_call>   Qwen coder
//   <xai:function_call name="NAME">…</xai:function_call>         Grok, JSON or parameters inside
// What is not clearly a call of a declared tool stays text, byte for byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/translate/reply_context.h"

namespace clasp::translate {

class TextTools {
 public:
  struct Item {
    std::string name;  // the function's name on the wire; empty: this is text
    std::string text;  // decoded text, or the call's arguments as one JSON object
    bool is_call() const { return !name.empty(); }
  };

  // Not owned; must outlive this.
  explicit TextTools(const ReplyContext& context) : context_(context) {}

  // Decoded text in any split; appends what is certain.
  void feed(std::string_view text, std::vector<Item>& out);
  // The text has ended: a call whose end is missing counts if it is whole otherwise.
  void finish(std::vector<Item>& out);

 private:
  bool open(std::vector<Item>& out);
  bool close(std::vector<Item>& out);
  void pass(std::size_t end, std::vector<Item>& out);
  bool take_call(std::string_view block, std::vector<Item>& out);
  bool take_json(std::string_view body, std::string_view name, std::vector<Item>& out);
  bool take_parameters(std::string_view body, const std::string& name, std::vector<Item>& out);
  std::string render_value(const std::string& tool, std::string_view key,
                           std::string_view value) const;

  const ReplyContext& context_;
  std::string held_;          // may become a tag; inside a block all of it
  std::size_t at_ = 0;        // how much of it was given out already
  std::size_t searched_ = 0;  // up to here the open block's end was looked for
  int form_ = -1;             // of the open block, -1: none
  int calls_ = 0;
  bool off_ = false;
};

}  // namespace clasp::translate

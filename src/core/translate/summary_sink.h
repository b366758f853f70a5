// Stands between the reply and the client while the answer is a summary (translation spec §1.10):
// it keeps the text to itself until it is whole and makes one compaction block of it. Private to
// this room.
#pragma once

#include <string>

#include "core/translate/translation.h"
#include "core/wire/anthropic_events.h"

namespace clasp::translate {

class SummarySink final : public wire::EventSink {
 public:
  explicit SummarySink(wire::EventSink& client) : client_(client) {}

  // The text is whole and is what was asked for (`usable`), or it is not: then the block says that
  // there is no summary, and the client keeps its conversation.
  void finish(bool usable, std::string_view signature) {
    const std::string_view summary = trim_end_raw(text_);
    if (usable && !too_long_ && !is_blank_raw(summary))
      client_.compaction(0, summary, signature);
    else
      client_.compaction(0, std::nullopt, {});
  }

  void message_start(const wire::MessageStart& start) override { client_.message_start(start); }
  void text_start(int) override {
    if (!text_.empty()) text_.append(kBlankLineRaw);
  }
  void text_delta(int, std::string_view raw) override {
    too_long_ = too_long_ || text_.size() + raw.size() > kMaxSummary;
    if (!too_long_) text_.append(raw);
  }
  void message_end(const wire::MessageEnd& end) override { client_.message_end(end); }

  // Nothing but text belongs to a summary.
  void thinking_start(int) override {}
  void thinking_delta(int, std::string_view) override {}
  void signature_delta(int, std::string_view) override {}
  void tool_start(int, std::string_view, std::string_view, std::string_view) override {}
  void input_delta(int, std::string_view) override {}
  void citation_delta(int, std::string_view) override {}
  void block_stop(int) override {}
  void whole_block(int, std::string_view) override {}
  void compaction(int, std::optional<std::string_view>, std::string_view) override {}

 private:
  static constexpr std::size_t kMaxSummary = 8u << 20;

  wire::EventSink& client_;
  std::string text_;  // raw
  bool too_long_ = false;
};

}  // namespace clasp::translate

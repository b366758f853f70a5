// Writes a stream and collects the same message beside it, up to a size.
#pragma once

#include "core/wire/anthropic_events.h"

namespace clasp::wire {

class TeeSink final : public EventSink {
 public:
  TeeSink(EventSink& client, std::size_t most) : client_(client), most_(most) {}

  // The whole message after message_end; empty when it was too long.
  std::string take() { return too_long_ ? std::string() : std::move(copy_.whole()); }

  void message_start(const MessageStart& start) override {
    both([&](EventSink& sink) { sink.message_start(start); });
  }
  void text_start(int index) override {
    both([&](EventSink& sink) { sink.text_start(index); });
  }
  void text_delta(int index, std::string_view raw) override {
    both([&](EventSink& sink) { sink.text_delta(index, raw); });
  }
  void thinking_start(int index) override {
    both([&](EventSink& sink) { sink.thinking_start(index); });
  }
  void thinking_delta(int index, std::string_view raw) override {
    both([&](EventSink& sink) { sink.thinking_delta(index, raw); });
  }
  void signature_delta(int index, std::string_view signature) override {
    both([&](EventSink& sink) { sink.signature_delta(index, signature); });
  }
  void tool_start(int index, std::string_view id, std::string_view name,
                  std::string_view toolset) override {
    both([&](EventSink& sink) { sink.tool_start(index, id, name, toolset); });
  }
  void input_delta(int index, std::string_view json_piece) override {
    both([&](EventSink& sink) { sink.input_delta(index, json_piece); });
  }
  void citation_delta(int index, std::string_view json) override {
    both([&](EventSink& sink) { sink.citation_delta(index, json); });
  }
  void block_stop(int index) override {
    both([&](EventSink& sink) { sink.block_stop(index); });
  }
  void compaction(int index, std::optional<std::string_view> summary_raw,
                  std::string_view signature) override {
    both([&](EventSink& sink) { sink.compaction(index, summary_raw, signature); });
  }
  void whole_block(int index, std::string_view json) override {
    both([&](EventSink& sink) { sink.whole_block(index, json); });
  }
  void message_end(const MessageEnd& end) override {
    both([&](EventSink& sink) { sink.message_end(end); });
  }

 private:
  template <class Emit>
  void both(Emit emit) {
    emit(client_);
    if (too_long_) return;
    emit(copy_);
    if (copy_.body().size() <= most_) return;
    too_long_ = true;
    copy_ = MessageCollector();
  }

  EventSink& client_;
  const std::size_t most_;
  bool too_long_ = false;
  MessageCollector copy_;
};

}  // namespace clasp::wire

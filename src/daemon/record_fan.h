// Several receivers of an exchange's record as one.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "core/exchange/record.h"

namespace clasp::daemon {

class RecordFan final : public exchange::RecordSink {
 public:
  // In the order in which they are told; all outlive this.
  explicit RecordFan(std::vector<exchange::RecordSink*> sinks) : sinks_(std::move(sinks)) {}

  void on_record(const exchange::Record& record) override {
    for (exchange::RecordSink* sink : sinks_) sink->on_record(record);
  }
  bool wants_bodies(bool request) const override {
    return std::any_of(sinks_.begin(), sinks_.end(),
                       [request](const auto* sink) { return sink->wants_bodies(request); });
  }
  std::size_t body_bytes() const override {
    std::size_t most = 0;
    for (const exchange::RecordSink* sink : sinks_) most = std::max(most, sink->body_bytes());
    return most;
  }
  void on_body(std::string_view request_id, std::string_view what, std::string_view text) override {
    const bool request = what.ends_with("request");
    for (exchange::RecordSink* sink : sinks_)
      if (sink->wants_bodies(request)) sink->on_body(request_id, what, text);
  }
  void on_refusal(const exchange::Refusal& refusal) override {
    for (exchange::RecordSink* sink : sinks_) sink->on_refusal(refusal);
  }
  void settle_refusals() override {
    for (exchange::RecordSink* sink : sinks_) sink->settle_refusals();
  }

 private:
  std::vector<exchange::RecordSink*> sinks_;
};

}  // namespace clasp::daemon

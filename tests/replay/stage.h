// The stage on which a scenario is played: a real Exchange between a scripted client and a
// scripted backend, under a clock that moves only when told.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../support/fake_scheduler.h"
#include "core/exchange/exchange.h"

namespace clasp::test {

class StageClient final : public exchange::ClientStream {
 public:
  void answer(int code, const wire::Headers& fields, std::string_view body) override {
    begin(code, fields);
    received.append(body);
    whole = true;
    ended = true;
  }
  void begin(int code, const wire::Headers& fields) override {
    status = code;
    headers = fields;
  }
  void write(std::string_view bytes) override {
    received.append(bytes);
    ++writes;
    if (stalled) waiting += bytes.size();
  }
  void end() override { ended = true; }
  void abort() override { aborted = true; }
  std::size_t pending() const override { return waiting; }

  int status = 0;
  wire::Headers headers;
  std::string received;
  int writes = 0;
  bool whole = false, ended = false, aborted = false, stalled = false;
  std::size_t waiting = 0;
};

class StageBackend final : public exchange::BackendPort {
 public:
  std::unique_ptr<exchange::BackendCall> start(exchange::BackendRequest made,
                                               exchange::BackendEvents& to) override;
  exchange::BackendEvents* events = nullptr;  // null when no call runs
  std::vector<exchange::BackendRequest> requests;
  bool paused = false;
  bool finishing = false;  // the answer was understood before its body ended
  int cancelled = 0;
};

// Prepares nothing by itself: the scenario says what comes of the oldest thing under way.
class StageMedia final : public exchange::MediaPort {
 public:
  struct Waiting {
    std::string raw;
    Done done;
  };
  translate::MediaAbilities abilities() const override { return able; }
  exchange::MediaStart start(const translate::MediaNeed& need, Done done) override;
  translate::MediaAbilities able;
  std::vector<std::shared_ptr<Waiting>> running;
  int started = 0;
};

class StageRecords final : public exchange::RecordSink {
 public:
  void on_record(const exchange::Record& record) override { records.push_back(record); }
  bool wants_bodies(bool request) const override { return request ? requests : answers; }
  std::size_t body_bytes() const override { return 2000; }
  void on_body(std::string_view, std::string_view what, std::string_view text) override {
    logged.append(what).append(": ").append(text).append("\n");
  }
  std::vector<exchange::Record> records;
  bool requests = false, answers = false;
  std::string logged;  // bodies, a line each
};

// Plays one scenario file; returns a description of the first thing that went wrong.
std::optional<std::string> play_scenario(const std::string& path);

}  // namespace clasp::test

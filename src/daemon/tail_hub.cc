// See tail_hub.h.
#include "daemon/tail_hub.h"

#include <algorithm>

#include "base/network.h"
#include "base/text.h"
#include "core/policy/ledger.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kMostWaiting = 1000;
// Names and errors may be of any length.
constexpr std::size_t kLongestText = 500;

void set_text(json_t* object, const char* name, std::string_view text) {
  if (!text.empty())
    json_object_set_new(object, name, text_value(scrub_utf8(text.substr(0, kLongestText))));
}

void set_number(json_t* object, const char* name, std::int64_t number) {
  json_object_set_new(object, name, json_integer(number));
}

bool matches(std::string_view pattern, std::string_view text) {
  return pattern.empty() || glob_match(pattern, text);
}

bool ended_badly(const exchange::Record& record) {
  return record.outcome == exchange::Outcome::failed || record.status >= 400;
}

}  // namespace

std::string render_tail_line(const exchange::Record& record) {
  const JsonPtr root(json_object());
  json_t* out = root.get();
  set_text(out, "id", record.request_id);
  set_number(out, "time", record.ended);
  set_text(out, "client", record.client);
  set_text(out, "client_name", record.client_name);
  set_text(out, "model", record.model_asked);
  set_text(out, "model_used", record.model_used);
  set_text(out, "backend", record.backend);
  set_number(out, "status", record.status);
  set_text(out, "outcome", exchange::render_outcome(record.outcome));
  json_object_set_new(out, "stream", json_boolean(record.stream));
  set_text(out, "cache", exchange::render_cache_use(record.cache));
  set_text(out, "stop_reason", record.stop_reason);
  set_number(out, "input_tokens", record.input_tokens);
  set_number(out, "output_tokens", record.output_tokens);
  set_number(out, "cached_tokens", record.cached_tokens);
  if (record.priced) set_text(out, "cost_usd", policy::render_usd(record.cost));
  if (record.first_content_us >= 0)
    set_number(out, "first_content_ms", record.first_content_us / 1000);
  set_number(out, "total_ms", record.total_us / 1000);
  set_number(out, "queued_ms", record.queued_us / 1000);
  set_number(out, "bytes_in", static_cast<std::int64_t>(record.bytes_in));
  set_number(out, "bytes_out", static_cast<std::int64_t>(record.bytes_out));
  set_number(out, "attempts", record.attempts);
  set_text(out, "fallback", record.detour);
  set_text(out, "api", record.responses ? "responses" : "");
  set_text(out, "warnings", record.warnings);
  set_text(out, "repairs", record.repairs);
  set_text(out, "error", record.error);
  if (record.cause != record.error) set_text(out, "cause", record.cause);
  return dump_json(root);
}

void TailHub::on_record(const exchange::Record& record) {
  if (watching_.load(std::memory_order_relaxed) == 0 || mailbox_ == nullptr) return;
  if (waiting_.fetch_add(1) >= kMostWaiting) {
    waiting_.fetch_sub(1);
    lost_.fetch_add(1);
    return;
  }
  auto line = std::make_shared<Line>();
  line->client = address_of_peer(record.client);
  line->client_name = record.client_name;
  line->model_asked = record.model_asked.substr(0, kLongestText);
  line->model_used = record.model_used.substr(0, kLongestText);
  line->backend = record.backend;
  line->error = ended_badly(record);
  line->text = render_tail_line(record);
  mailbox_->send([this, line] {
    waiting_.fetch_sub(1);
    deliver(*line);
  });
}

bool TailHub::add(ControlReplyPtr reply, TailFilter filter) {
  forget_gone();
  if (readers_.size() >= kMostReaders) return false;
  reply->begin_lines();
  readers_.push_back({std::move(reply), std::move(filter), 0});
  watching_ = readers_.size();
  return true;
}

void TailHub::end(std::string_view last_line) {
  for (const Reader& reader : readers_) {
    if (!last_line.empty()) reader.reply->line(last_line);
    reader.reply->end();
  }
  readers_.clear();
  watching_ = 0;
}

bool TailHub::fits(const TailFilter& filter, const Line& line) {
  return (!filter.errors || line.error) && matches(filter.backend, line.backend) &&
         (matches(filter.client, line.client_name) || matches(filter.client, line.client)) &&
         (matches(filter.model, line.model_asked) || matches(filter.model, line.model_used));
}

void TailHub::deliver(const Line& line) {
  forget_gone();
  const std::uint64_t lost = lost_.exchange(0);
  for (Reader& reader : readers_) {
    reader.lost += lost;
    if (!fits(reader.filter, line)) continue;
    if (reader.reply->congested()) {
      ++reader.lost;
      continue;
    }
    if (reader.lost > 0) reader.reply->line(R"({"lost":)" + std::to_string(reader.lost) + "}");
    reader.lost = 0;
    reader.reply->line(line.text);
  }
}

void TailHub::forget_gone() {
  std::erase_if(readers_, [](const Reader& reader) { return reader.reply->gone(); });
  watching_ = readers_.size();
}

}  // namespace clasp::daemon

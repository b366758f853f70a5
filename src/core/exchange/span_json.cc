// See span_json.h.
#include "core/exchange/span_json.h"

#include "base/log_text.h"
#include "base/network.h"
#include "base/text.h"
#include "base/url.h"
#include "core/exchange/trace.h"
#include "core/policy/ledger.h"

namespace clasp::exchange {

namespace {

constexpr std::int64_t kMicrosecond = 1000;
constexpr std::size_t kLongestValue = 256;
constexpr int kServer = 2, kClient = 3, kError = 2;  // SpanKind, StatusCode

// Where OpenTelemetry has another name for a provider.
struct ProviderName {
  std::string_view ours, theirs;
};
constexpr ProviderName kProviders[] = {{"azure", "azure.ai.openai"},
                                       {"gemini", "gcp.gemini"},
                                       {"grok", "x_ai"},
                                       {"mistral", "mistral_ai"},
                                       {"vertex", "gcp.vertex_ai"}};

std::string_view provider_name(std::string_view provider) {
  for (const ProviderName& name : kProviders)
    if (name.ours == provider) return name.theirs;
  return provider;
}

// Attributes of a span, what is empty left out.
class Attributes {
 public:
  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    out_.append(R"({"stringValue":)");
    append_text(value);
    out_.append("}}");
  }
  // 64-bit numbers are strings in protobuf's JSON.
  void number(std::string_view key, std::int64_t value) {
    begin(key);
    out_.append(R"({"intValue":")").append(std::to_string(value)).append("\"}}");
  }
  void flag(std::string_view key, bool value) {
    begin(key);
    out_.append(R"({"boolValue":)").append(value ? "true" : "false").append("}}");
  }
  void decimal(std::string_view key, std::string_view value) {
    begin(key);
    out_.append(R"({"doubleValue":)").append(value).append("}}");
  }
  void list(std::string_view key, std::string_view only) {
    if (only.empty()) return;
    begin(key);
    out_.append(R"({"arrayValue":{"values":[{"stringValue":)");
    append_text(only);
    out_.append("}]}}}");
  }
  const std::string& json() const { return out_; }

 private:
  void begin(std::string_view key) {
    out_.append(out_.empty() ? R"({"key":")" : R"(,{"key":")").append(key).append(R"(","value":)");
  }
  void append_text(std::string_view value) {
    append_json_string(out_, scrub_utf8(cut_utf8(value, kLongestValue)));
  }
  std::string out_;
};

struct SpanHead {
  std::string_view trace_id, span_id, parent_id, tracestate;
  std::string name;
  int kind = kServer;
  std::int64_t start_ns = 0, end_ns = 0;
  unsigned char flags = 0;
  bool failed = false;
};

void append_member(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out.append(",\"").append(name).append("\":");
  append_json_string(out, text);
}

void append_span(std::string& out, const SpanHead& head, const Attributes& attributes) {
  out.append(out.empty() ? "{" : ",{").append(R"("traceId":")").append(head.trace_id).append("\"");
  append_member(out, "spanId", head.span_id);
  append_member(out, "parentSpanId", head.parent_id);
  append_member(out, "traceState", head.tracestate);
  append_member(out, "name", scrub_utf8(cut_utf8(head.name, kLongestValue)));
  out.append(R"(,"flags":)").append(std::to_string(head.flags));
  out.append(R"(,"kind":)").append(std::to_string(head.kind));
  append_member(out, "startTimeUnixNano", std::to_string(head.start_ns));
  append_member(out, "endTimeUnixNano", std::to_string(head.end_ns));
  out.append(R"(,"attributes":[)").append(attributes.json()).append("]");
  if (head.failed) out.append(R"(,"status":{"code":)").append(std::to_string(kError)).append("}");
  out.append("}");
}

// What kind of error it was, by the conventions: the status, or a word where there is none.
std::string error_type(const Record& record) {
  switch (record.outcome) {
    case Outcome::completed:
      return {};
    case Outcome::client_left:
      return "client_left";
    case Outcome::failed:
      break;
  }
  return record.status >= 400 ? std::to_string(record.status) : "stream_error";
}

void add_usage(Attributes& attributes, const Record& record) {
  attributes.number("gen_ai.usage.input_tokens", record.input_tokens);
  attributes.number("gen_ai.usage.output_tokens", record.output_tokens);
  if (record.cached_tokens > 0)
    attributes.number("gen_ai.usage.cache_read.input_tokens", record.cached_tokens);
  if (record.cache_write_tokens > 0)
    attributes.number("gen_ai.usage.cache_creation.input_tokens", record.cache_write_tokens);
  if (record.tokens_estimated) attributes.flag("clasp.tokens_estimated", true);
}

Attributes server_attributes(const Record& record) {
  Attributes attributes;
  attributes.text("http.request.method", record.method);
  attributes.text("url.path", record.path);
  attributes.text("http.route", record.path);
  attributes.text("client.address", address_of_peer(record.client));
  if (record.status != 0) attributes.number("http.response.status_code", record.status);
  attributes.text("error.type", error_type(record));
  attributes.text("gen_ai.operation.name", "chat");
  attributes.text("gen_ai.request.model", record.model_asked);
  attributes.text("gen_ai.response.model", record.model_used);
  attributes.text("gen_ai.response.id", record.upstream_id);
  attributes.list("gen_ai.response.finish_reasons", record.stop_reason);
  add_usage(attributes, record);
  attributes.text("clasp.request_id", record.request_id);
  attributes.text("clasp.client_name", record.client_name);
  attributes.text("clasp.backend", record.backend);
  attributes.flag("clasp.stream", record.stream);
  attributes.number("clasp.attempts", record.attempts);
  attributes.text("clasp.fallback", record.detour);
  if (record.cache != CacheUse::off) attributes.text("clasp.cache", render_cache_use(record.cache));
  if (record.cost > 0) attributes.decimal("clasp.cost_usd", policy::render_usd(record.cost));
  if (record.first_byte_us >= 0) attributes.number("clasp.first_byte_us", record.first_byte_us);
  if (record.first_content_us >= 0)
    attributes.number("clasp.first_content_us", record.first_content_us);
  if (record.queued_us > 0) attributes.number("clasp.queued_us", record.queued_us);
  return attributes;
}

Attributes client_attributes(const AttemptSpan& attempt) {
  Attributes attributes;
  attributes.text("gen_ai.operation.name", "chat");
  attributes.text("gen_ai.provider.name", provider_name(attempt.provider));
  attributes.text("gen_ai.request.model", attempt.model);
  attributes.text("clasp.backend", attempt.backend);
  attributes.text("http.request.method", "POST");
  if (const auto url = parse_url(attempt.url)) {
    attributes.text("server.address", url->host);
    attributes.number("server.port", url->port);
  }
  if (attempt.status != 0) attributes.number("http.response.status_code", attempt.status);
  attributes.text("error.type", attempt.error);
  return attributes;
}

}  // namespace

std::string render_spans(const Record& record, std::int64_t end_unix_ns) {
  std::string out;
  if (!record.spans) return out;
  const SpanFacts& spans = *record.spans;
  const std::int64_t start = end_unix_ns - record.total_us * kMicrosecond;
  SpanHead head;
  head.trace_id = record.trace_id;
  head.span_id = spans.span_id;
  head.parent_id = spans.parent_id;
  head.tracestate = spans.tracestate;
  head.name = record.method + " " + record.path;
  head.start_ns = start;
  head.end_ns = end_unix_ns;
  head.flags = spans.flags;
  // A request that the client got wrong is no error of this server.
  head.failed = record.outcome == Outcome::failed && (record.status < 400 || record.status >= 500);
  append_span(out, head, server_attributes(record));
  for (const AttemptSpan& attempt : spans.attempts) {
    head.span_id = attempt.span_id;
    head.parent_id = spans.span_id;
    head.name = "chat " + attempt.model;
    head.kind = kClient;
    head.start_ns = start + attempt.start_us * kMicrosecond;
    head.end_ns = start + attempt.end_us * kMicrosecond;
    head.failed = !attempt.error.empty();
    append_span(out, head, client_attributes(attempt));
  }
  return out;
}

std::string render_span_export(const std::vector<std::string>& spans, std::string_view version) {
  std::size_t size = 400;
  for (const std::string& one : spans) size += one.size() + 1;
  Attributes resource;
  resource.text("service.name", "clasp");
  resource.text("service.version", version);
  std::string out;
  out.reserve(size);
  out.append(R"({"resourceSpans":[{"resource":{"attributes":[)").append(resource.json());
  out.append(R"(]},"scopeSpans":[{"scope":{"name":"clasp","version":)");
  append_json_string(out, version);
  out.append(R"(},"spans":[)");
  bool first = true;
  for (const std::string& one : spans) {
    if (!first) out.push_back(',');
    out.append(one);
    first = false;
  }
  return out.append("]}]}]}");
}

}  // namespace clasp::exchange

// See cache_key.h.
#include "core/exchange/cache_key.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/json_scan.h"
#include "core/translate/billing.h"

namespace clasp::exchange {

namespace {

// SHA-256 of many pieces. Small ones are gathered first.
class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new()) {
    ok_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
    gathered_.reserve(kGather);
  }

  void add(std::string_view piece) {
    if (gathered_.size() + piece.size() > kGather) flush();
    if (piece.size() >= kGather)
      update(piece);
    else
      gathered_.append(piece);
  }
  // A text that may hold anything: no two rows of texts give the same bytes.
  void add_text(std::string_view text) {
    add(std::to_string(text.size()));
    add(":");
    add(text);
  }
  void add_number(std::int64_t number) { add_text(std::to_string(number)); }
  void add_map(const std::map<std::string, std::string>& map) {
    add_number(static_cast<std::int64_t>(map.size()));
    for (const auto& [name, value] : map) {
      add_text(name);
      add_text(value);
    }
  }

  std::optional<policy::CacheKey> finish() {
    flush();
    policy::CacheKey key;
    unsigned length = 0;
    if (!ok_ || EVP_DigestFinal_ex(context_.get(), key.bytes.data(), &length) != 1 ||
        length != key.bytes.size())
      return std::nullopt;
    return key;
  }

 private:
  static constexpr std::size_t kGather = 1024;
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  void update(std::string_view piece) {
    ok_ = ok_ && EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1;
  }
  void flush() {
    update(gathered_);
    gathered_.clear();
  }

  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool ok_ = false;
  std::string gathered_;
};

// The following need JSON that was accepted.

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Behind the string whose opening quote is at `at`.
std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; (at = skip_plain_json(json, at)) < json.size(); ++at) {
    if (json[at] == '"') return at + 1;
    if (json[at] == '\\') ++at;
  }
  return json.size();
}

struct Member {
  std::string_view name, value;  // as they stood; the name without its quotes
  bool spaced = false;           // white space is in or around the value
};

// The members of an object, in one pass.
std::vector<Member> members_of(std::string_view json) {
  std::vector<Member> members;
  Member now;
  std::size_t from = 0;  // of the value; 0: the name is being read
  int depth = 0;
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '"') {
      const std::size_t end = string_end(json, at);
      if (depth == 1 && from == 0) now.name = json.substr(at + 1, end - at - 2);
      at = end;
      continue;
    }
    if (c == ':' && depth == 1) {
      from = at + 1;
      now.spaced = false;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == ',' && depth == 1) || ((c == '}' || c == ']') && --depth == 0)) {
      now.value = json.substr(from, at - from);
      if (from != 0) members.push_back(now);
      if (c != ',') break;
      from = 0;
    } else if (is_space(c)) {
      now.spaced = true;
    }
    ++at;
  }
  return members;
}

void add_without_space(Digest& digest, std::string_view json) {
  std::size_t from = 0;
  for (std::size_t at = 0; at < json.size();) {
    if (json[at] == '"') {
      at = string_end(json, at);
      continue;
    }
    if (is_space(json[at])) {
      digest.add(json.substr(from, at - from));
      from = at + 1;
    }
    ++at;
  }
  digest.add(json.substr(from));
}

// Pieces of the body, inside of strings, that do not count.
using Spans = std::vector<std::string_view>;

Spans spans_to_skip(const wire::MessagesRequest& request, const CacheKeyFacts& facts) {
  Spans spans;
  const auto skip = [&spans](std::string_view span) {
    if (!span.empty()) spans.push_back(span);
  };
  if (facts.client.empty()) skip(request.user_id_raw);
  for (const wire::Block& block : request.system) {
    if (block.type != wire::BlockType::text) continue;
    const std::string_view raw = block.text_raw;
    skip(facts.relayed ? translate::billing_nonce(raw)
                       : raw.substr(0, raw.size() - translate::without_billing(raw).size()));
  }
  std::sort(spans.begin(), spans.end(),
            [](std::string_view a, std::string_view b) { return a.data() < b.data(); });
  return spans;
}

// A byte that JSON never holds stands for what is skipped, and ends every member.
constexpr std::string_view kSkipped("\1", 1), kEnd("\0", 1);

void add_value(Digest& digest, const Member& member, const Spans& spans) {
  std::string_view value = member.value;
  std::string whole;
  const char* at = value.data();
  const char* const end = value.data() + value.size();
  for (const std::string_view span : spans) {
    if (span.data() < at || span.data() + span.size() > end) continue;
    whole.append(at, span.data()).append(kSkipped);
    at = span.data() + span.size();
  }
  if (at != value.data()) value = whole.append(at, end);
  if (member.spaced)
    add_without_space(digest, value);
  else
    digest.add(value);
}

void add_body(Digest& digest, std::string_view body, const Spans& spans) {
  std::vector<Member> members = members_of(body);
  std::stable_sort(members.begin(), members.end(),
                   [](const Member& a, const Member& b) { return a.name < b.name; });
  for (const Member& member : members) {
    if (member.name == "stream") continue;
    digest.add(member.name);
    digest.add(kEnd);
    add_value(digest, member, spans);
    digest.add(kEnd);
  }
}

void add_rule(Digest& digest, const config::ModelRule& rule) {
  digest.add_text(rule.pattern);
  digest.add_text(rule.backend);
  digest.add_number(rule.max_output);
  digest.add_number(rule.context_window);
  digest.add_number(rule.vision ? (*rule.vision ? 1 : 0) : -1);
  digest.add_map(rule.flags);
  digest.add_map(rule.body);
}

}  // namespace

std::string make_cache_scope(const config::Settings& settings,
                             const config::BackendSettings& backend) {
  Digest digest;
  for (const std::string* text :
       {&backend.name, &backend.provider, &backend.dialect, &backend.base_url,
        &backend.azure_deployment, &backend.azure_api_version})
    digest.add_text(*text);
  digest.add_map(backend.extra_headers);
  digest.add_map(backend.flags);
  digest.add_map(backend.body);
  digest.add_number(backend.context_window);
  for (const config::ModelRule& rule : settings.models.rules) add_rule(digest, rule);
  const config::TranslationSettings& how = settings.translation;
  for (const bool yes :
       {settings.strict, how.hidden_allowance, how.fast_tier, how.long_cache, how.policy_as_error,
        how.geo_enforce, settings.media.fetch_remote, settings.media.pdf_text})
    digest.add(yes ? "1" : "0");
  const auto key = digest.finish();
  if (!key) return {};
  return {reinterpret_cast<const char*>(key->bytes.data()), key->bytes.size()};
}

std::optional<policy::CacheKey> make_cache_key(std::string_view body,
                                               const wire::MessagesRequest& request,
                                               const CacheKeyFacts& facts) {
  if (facts.scope.empty()) return std::nullopt;
  Digest digest;
  for (const std::string_view text :
       {facts.scope, facts.model, facts.anthropic_version, facts.anthropic_beta, facts.client})
    digest.add_text(text);
  for (const bool yes : {facts.geo_served, facts.relayed, facts.beta_query})
    digest.add(yes ? "1" : "0");
  add_body(digest, body, spans_to_skip(request, facts));
  return digest.finish();
}

}  // namespace clasp::exchange

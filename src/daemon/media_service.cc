// See media_service.h.
#include "daemon/media_service.h"

#include <openssl/evp.h>

#include "base/log.h"
#include "base/text.h"
#include "core/policy/fetch_rule.h"
#include "core/wire/media_bytes.h"
#include "daemon/media_fetch.h"

namespace clasp::daemon {

namespace {

using translate::MediaNeed;
using translate::MediaWant;
using translate::Medium;
using translate::MediumPtr;

AddressBytes address_bytes(const IpAddress& ip) {
  if (ip.family == AF_INET) return map_ipv4(ip.bytes.data());
  return ip.bytes;
}

// A strong hash: with a weak one a client could be shown another's document.
std::string sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr) != 1)
    length = 0;
  return {reinterpret_cast<const char*>(digest), length};
}

std::string plain_text(std::string_view raw) {
  return raw.find('\\') == std::string_view::npos ? std::string(raw) : decode_json_string(raw);
}

MediumPtr make_data(std::string_view bytes, MediaWant want) {
  const wire::MediaType type = wire::sniff_media(bytes);
  if (want == MediaWant::image && !wire::is_image(type))
    return translate::failed_medium("what is there is no JPEG, PNG, GIF or WebP");
  Medium medium{.state = Medium::State::ready};
  medium.raw = wire::base64_encode(bytes);
  medium.media_type = wire::render_media_type(type);
  return std::make_shared<const Medium>(std::move(medium));
}

MediumPtr make_text(PdfReader::Outcome outcome) {
  if (!outcome.problem.empty()) return translate::failed_medium(std::move(outcome.problem));
  wire::CleanText clean = wire::clean_document_text(outcome.text, PdfReader::kMostText);
  Medium medium{.state = Medium::State::no_text};
  if (!clean.text.empty()) {
    medium.state = Medium::State::ready;
    medium.cut = outcome.cut || clean.cut;
    if (medium.cut) clean.text += "\n[the rest of this document is left out]";
    append_json_escaped(medium.raw, clean.text);
  }
  return std::make_shared<const Medium>(std::move(medium));
}

bool is_pdf(std::string_view bytes) {
  return wire::sniff_media(bytes) == wire::MediaType::pdf;
}

}  // namespace

void set_up_media(MediaParts& parts, const config::Settings& settings, const char* path) {
  parts.fetch = settings.media.fetch_remote;
  parts.networks = settings.media.fetch_networks;
  parts.ca_file = settings.ca_file;
  if (!settings.media.pdf_text) return;
  parts.pdf_program = find_program("pdftotext", path != nullptr ? path : "");
  log_debug(parts.pdf_program.empty() ? "pdftotext is not installed: PDFs are not read here"
                                      : "PDFs are read with " + parts.pdf_program);
}

// One need on its way: waits for its turn, fetches, reads, is kept.
class MediaService::Work final : public exchange::MediaWork {
 public:
  Work(MediaService& service, const MediaNeed& need, std::string key, Done done)
      : service_(service), need_(need), key_(std::move(key)), done_(std::move(done)) {}
  ~Work() override {
    if (fetch_)
      leave_fetch();
    else
      std::erase(service_.waiting_, this);
  }

  void begin(wire::Url url) {
    url_ = std::move(url);
    if (service_.fetching_ < kMostFetches) return fetch();
    service_.waiting_.push_back(this);
  }
  void fetch() {
    ++service_.fetching_;
    fetch_ = std::make_unique<MediaFetch>(*service_.network_, service_.scheduler_, std::move(url_),
                                          [this](std::string bytes, std::string problem) {
                                            leave_fetch();
                                            on_fetched(std::move(bytes), std::move(problem));
                                          });
    fetch_->start();
  }
  void read(PdfReader::Source source) {
    reading_ = service_.reader_->start(std::move(source), [this](PdfReader::Outcome outcome) {
      finish(make_text(std::move(outcome)));
    });
  }

 private:
  void leave_fetch() {
    fetch_.reset();
    service_.end_fetch();
  }
  void on_fetched(std::string bytes, std::string problem) {
    if (!problem.empty()) return finish(translate::failed_medium(std::move(problem)));
    if (need_.want == MediaWant::image) return finish(make_data(bytes, need_.want));
    if (!is_pdf(bytes)) return finish(translate::failed_medium("what is there is no PDF"));
    if (need_.want == MediaWant::pdf) return finish(make_data(bytes, need_.want));
    read([kept = std::move(bytes)] { return kept; });
  }
  // `this` is gone afterwards.
  void finish(MediumPtr medium) {
    service_.shared_.put(key_, medium, service_.scheduler_.now());
    const Done done = std::move(done_);
    done(std::move(medium));
  }

  MediaService& service_;
  const MediaNeed need_;
  const std::string key_;
  Done done_;
  wire::Url url_;
  std::unique_ptr<MediaFetch> fetch_;
  std::unique_ptr<exchange::MediaWork> reading_;
};

MediaService::MediaService(event_base* base, Scheduler& scheduler, MediaParts& parts)
    : scheduler_(scheduler), shared_(parts.shared) {
  if (parts.fetch) {
    BackendClientOptions options;  // without proxies: one would resolve names unchecked
    options.ca_file = parts.ca_file;
    options.pool.idle_per_origin = 0;
    options.may_connect = [&networks = parts.networks](const IpAddress& ip) {
      const AddressBytes address = address_bytes(ip);
      return is_public_address(address) || is_in_any(networks, address);
    };
    network_ =
        std::make_unique<BackendClient>(base, scheduler, *parts.resolver, std::move(options));
    abilities_.fetch = true;
  }
  if (parts.pdf_program.empty()) return;
  reader_ = std::make_unique<PdfReader>(base, scheduler, parts.pdf_program, shared_);
  abilities_.pdf_text = true;
}

MediaService::~MediaService() = default;

void MediaService::end_fetch() {
  --fetching_;
  if (waiting_.empty()) return;
  Work* next = waiting_.front();
  waiting_.pop_front();
  next->fetch();
}

exchange::MediaStart MediaService::start(const MediaNeed& need, Done done) {
  const bool is_data = need.want == MediaWant::pdf_text;
  const std::string text = is_data ? std::string() : plain_text(need.raw);
  std::string key(1, static_cast<char>('a' + static_cast<int>(need.want)));
  key += is_data ? sha256(need.raw) : text;
  if (key.size() == 1)
    return {translate::failed_medium("it cannot be read at the moment"), nullptr};
  if (MediumPtr known = shared_.find(key, scheduler_.now())) return {std::move(known), nullptr};
  if (is_data) {
    auto work = std::make_unique<Work>(*this, need, std::move(key), std::move(done));
    work->read([raw = need.raw] { return wire::base64_decode(plain_text(raw)).value_or(""); });
    return {nullptr, std::move(work)};
  }
  auto url = policy::check_fetch_url(text);
  if (!url) return {translate::failed_medium(url.error().message), nullptr};
  auto work = std::make_unique<Work>(*this, need, std::move(key), std::move(done));
  work->begin(std::move(*url));
  return {nullptr, std::move(work)};
}

}  // namespace clasp::daemon

// See list_models.h.
#include "daemon/list_models.h"

#include <cstdio>

#include "base/secret.h"
#include "core/exchange/catalog.h"
#include "core/translate/errors.h"
#include "daemon/backend_options.h"
#include "daemon/models_fetch.h"
#include "daemon/resolver.h"
#include "daemon/scheduler.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kListLimit = 16u << 20;
constexpr Duration kTimeout{30'000};

// Collects one answer and stops the loop.
class Collect final : public exchange::BackendEvents {
 public:
  explicit Collect(event_base* base) : base_(base) {}
  void on_backend_head(int status_code, wire::Headers fields) override {
    status = status_code;
    headers = fields;
  }
  void on_backend_body(std::string_view bytes) override {
    if (body.size() + bytes.size() > kListLimit) {
      failure = "the list is too long";
      event_base_loopbreak(base_);
      return;
    }
    body.append(bytes);
  }
  void on_backend_end() override { event_base_loopbreak(base_); }
  void on_backend_failed(const exchange::BackendFailure& why) override {
    failure = why.message;
    event_base_loopbreak(base_);
  }

  int status = 0;
  wire::Headers headers;
  std::string body, failure;

 private:
  event_base* base_;
};

int complain(const std::string& message) {
  std::fprintf(stderr, "clasp: %s\n", mask_secrets(message).c_str());
  return config::kExitFailure;
}

}  // namespace

int list_models(const config::Loaded& loaded) {
  const auto settings = std::make_shared<const config::Settings>(loaded.settings);
  const auto catalog = exchange::make_catalog(settings, {}, proxy_secrets());
  if (!catalog) {
    complain(catalog.error().message);
    return config::kExitConfiguration;
  }
  const exchange::Backend& backend = (*catalog)->backends.front();
  if (backend.settings.provider == "demo") {
    std::puts("demo");
    return config::kExitSuccess;
  }
  const EventBasePtr base(event_base_new());
  LoopScheduler scheduler(base.get());
  Resolver resolver;
  BackendClient client(base.get(), scheduler, resolver, make_backend_options(*settings));
  Collect collect(base.get());
  bool late = false;
  const TimerHandle deadline = scheduler.after(kTimeout, [&] {
    late = true;
    event_base_loopbreak(base.get());
  });
  auto call = client.start(exchange::make_models_request(**catalog, backend), collect);
  event_base_dispatch(base.get());
  call.reset();
  if (late) return complain("the backend did not answer within 30 s");
  if (!collect.failure.empty()) return complain(collect.failure);
  if (collect.status != 200)
    return complain((*catalog)->secrets.masked(
        "the backend answered " + std::to_string(collect.status) + ": " +
        translate::translate_backend_error(collect.status, collect.headers, collect.body, 0)
            .message));
  const std::vector<std::string> names = model_names(collect.body);
  if (names.empty()) return complain("the backend's answer names no models");
  for (const std::string& name : names) std::puts(name.c_str());
  return config::kExitSuccess;
}

}  // namespace clasp::daemon

// The worker's MediaPort: pictures and PDFs by URL are fetched, text is taken out of PDFs, and what
// came of it is kept for the next turn.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/network.h"
#include "config/settings.h"
#include "core/exchange/preparation.h"
#include "daemon/backend_client.h"
#include "daemon/pdf_reader.h"
#include "daemon/shared_media.h"

namespace clasp::daemon {

// What all workers' services are made from; outlives them.
struct MediaParts {
  bool fetch = false;
  std::vector<Network> networks;  // that may be fetched from besides the public Internet
  std::string ca_file;
  std::string pdf_program;  // empty: none
  // Fetching has a resolver of its own: names from clients must not hold up those of backends.
  Resolver* resolver = nullptr;  // not owned
  SharedMedia shared;
};

// Fills in what the settings and the system allow.
void set_up_media(MediaParts& parts, const config::Settings& settings, const char* path);

class MediaService final : public exchange::MediaPort {
 public:
  MediaService(event_base* base, Scheduler& scheduler, MediaParts& parts);
  ~MediaService() override;

  translate::MediaAbilities abilities() const override { return abilities_; }
  exchange::MediaStart start(const translate::MediaNeed& need, Done done) override;

 private:
  class Work;
  static constexpr int kMostFetches = 16;
  void end_fetch();

  Scheduler& scheduler_;
  SharedMedia& shared_;
  translate::MediaAbilities abilities_;
  std::unique_ptr<BackendClient> network_;
  std::unique_ptr<PdfReader> reader_;
  int fetching_ = 0;
  std::deque<Work*> waiting_;  // for their turn to fetch
};

}  // namespace clasp::daemon

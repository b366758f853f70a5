// Active health checks: asks every backend for its list of models, over and over, and tells the
// desk how that went. Runs on one loop.
#pragma once

#include <memory>
#include <vector>

#include "core/exchange/catalog.h"
#include "daemon/shared_desk.h"

namespace clasp::daemon {

class Prober {
 public:
  // `backend` and the others must outlive it.
  Prober(exchange::CatalogPtr catalog, exchange::BackendPort& backend, SharedDesk& desk,
         Scheduler& scheduler);
  ~Prober();

 private:
  class Probe;
  void probe_all();

  exchange::CatalogPtr catalog_;
  exchange::BackendPort& backend_;
  SharedDesk& desk_;
  Scheduler& scheduler_;
  std::vector<std::unique_ptr<Probe>> probes_;  // one per backend that has an address
  TimerHandle timer_;
};

}  // namespace clasp::daemon

// One thread with one event loop and everything that runs on it: HTTP server, backend client,
// demo, exchanges. Workers share nothing but immutable snapshots.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "daemon/access_log.h"
#include "daemon/backend_client.h"
#include "daemon/demo_backend.h"
#include "daemon/endpoints.h"
#include "daemon/http_server.h"
#include "daemon/mailbox.h"
#include "daemon/media_service.h"
#include "daemon/metrics.h"
#include "daemon/metrics_service.h"
#include "daemon/prober.h"
#include "daemon/record_fan.h"
#include "daemon/resolver.h"
#include "daemon/scheduler.h"
#include "daemon/shared_cache.h"
#include "daemon/shared_desk.h"
#include "daemon/system_random.h"
#include "daemon/token_counter.h"

namespace clasp::daemon {

// What all workers are made from; outlives them.
struct WorkerParts {
  exchange::CatalogPtr catalog;
  ProcessFacts facts;
  Resolver* resolver = nullptr;                      // not owned
  exchange::RecordSink* records = nullptr;           // not owned, called from every worker
  exchange::LessonPort* lessons = nullptr;           // not owned, shared
  SharedDesk* desk = nullptr;                        // not owned, shared
  SharedLimits* limits = nullptr;                    // not owned, shared
  SharedCosts* costs = nullptr;                      // not owned, shared
  SharedCache* cache = nullptr;                      // not owned, shared
  exchange::CalibrationPort* calibration = nullptr;  // not owned, shared
  exchange::StatePort* states = nullptr;             // not owned, shared
  MediaParts* media = nullptr;                       // not owned, shared
  Metrics* metrics = nullptr;                        // not owned, shared
  MetricsService* metrics_service = nullptr;         // not owned, shared
  TokenCounter* counter = nullptr;                   // not owned, shared
  BackendClientOptions backend_options;
  HttpLimits http_limits;
};

class Worker {
 public:
  // `probes`: this one checks the backends' health, if that is wanted.
  static Result<std::unique_ptr<Worker>> make(const WorkerParts& parts,
                                              std::vector<OpenListener> listeners, bool probes);
  // stop() and join first, if it was started.
  ~Worker();

  // `number` is for the thread's name, "worker-1".
  void start(unsigned number);
  // From any thread. For exchanges that begin from then on.
  void set_catalog(exchange::CatalogPtr catalog);
  // From any thread. See HttpServer.
  void set_listeners(std::vector<OpenListener> listeners);
  // From any thread. Runs on the worker's thread.
  void ask(std::function<void(Endpoints&)> question);
  // From any thread. Stops accepting (see HttpServer); `on_idle` is called on the worker's thread
  // when the last request is answered (at once when there is none). `replaced`: another process
  // serves who comes from now on, nobody needs to be turned away, and connections between two
  // requests stay until their next one, their usual time, or hurry().
  void drain(std::vector<std::uint64_t> leave, bool replaced, std::function<void()> on_idle);
  void hurry();
  // From any thread. Ends running exchanges with an error, then the loop.
  void stop();
  void join();

 private:
  explicit Worker(const WorkerParts& parts);
  Result<void> set_up(std::vector<OpenListener> listeners, bool probes);
  void start_probes(exchange::CatalogPtr catalog);
  void check_idle();

  // Destroyed in reverse: the loop last.
  const WorkerParts& parts_;
  EventBasePtr base_;
  std::unique_ptr<LoopScheduler> scheduler_;
  SystemRandom random_;
  translate::ReplyParser parser_;
  translate::SchemaCache schemas_;
  wire::ToolMemory tools_;
  std::unique_ptr<Mailbox> mailbox_;
  std::unique_ptr<DemoBackend> demo_;
  std::unique_ptr<BackendClient> network_;
  std::unique_ptr<BackendSwitch> backends_;
  std::unique_ptr<MediaService> media_;
  std::unique_ptr<WorkerDesk> desk_;
  std::unique_ptr<RecordFan> records_;
  std::unique_ptr<WorkerCache> cache_;
  std::unique_ptr<WorkerCounter> counter_;
  bool probes_ = false;  // one worker only
  std::unique_ptr<Prober> prober_;
  std::unique_ptr<Endpoints> endpoints_;
  std::unique_ptr<HttpServer> server_;
  std::function<void()> on_idle_;
  TimerHandle idle_check_;
  Duration idle_pause_{};
  std::thread thread_;
};

}  // namespace clasp::daemon

// The running process: everything that its workers share, the listeners, the signals, and what the
// control API may ask of it. The main thread's; it only waits.
#pragma once

#include <string>
#include <vector>

#include "daemon/control_server.h"
#include "daemon/listener_set.h"
#include "daemon/origins.h"
#include "daemon/record_fan.h"
#include "daemon/reload.h"
#include "daemon/service_manager.h"
#include "daemon/shared_cache.h"
#include "daemon/shared_calibration.h"
#include "daemon/shared_costs.h"
#include "daemon/shared_desk.h"
#include "daemon/shared_lessons.h"
#include "daemon/shared_limits.h"
#include "daemon/shared_states.h"
#include "daemon/span_exporter.h"
#include "daemon/system_random.h"
#include "daemon/tail_hub.h"
#include "daemon/upgrade.h"
#include "daemon/watchdog.h"
#include "daemon/worker.h"

namespace clasp::daemon {

class Process final : private ControlDeeds, private Upgrade::Deeds {
 public:
  // All outlive it.
  Process(const config::Settings& settings, SharedDesk& desk, SharedLimits& limits,
          SharedCosts& costs, Reloader& reloader, AccessLog& access_log, Origins& origins);

  // Everything that can fail; nobody is served yet.
  Result<void> set_up(exchange::CatalogPtr catalog);
  void run();

 private:
  void tell_about_listeners(const config::Settings& settings);
  void watch_certificates();
  Result<void> set_up_signals();
  std::string listening_text(const exchange::Catalog& catalog) const;
  std::string status_text() const;
  void on_all_turning();
  void become_service();
  void note_left_sockets();
  void keep_sockets();
  void refresh_status();
  static void on_signal_thunk(evutil_socket_t number, short, void* self) noexcept;
  void on_signal(int number);
  void on_hangup();
  void load_again();
  void reload_if_asked();
  // ControlDeeds
  ReloadReport reload() override;
  ReloadReport check(std::vector<config::GivenValue>& given) override;
  const std::vector<config::GivenValue>& given() const override { return reloader_.given(); }
  exchange::CatalogPtr catalog() const override { return catalog_; }
  std::vector<std::string> listening() const override { return listeners_.names(); }
  std::size_t workers() const override { return workers_.size(); }
  void set_resting(bool resting) override;
  std::optional<Duration> rest_left() const override;
  bool stopping() const override { return draining_; }
  bool draining() const override { return draining_ || resting_; }
  void upgrade(const std::string& program, Upgrade::Then then) override;
  bool upgrading() const override { return upgrade_ && upgrade_->running(); }
  std::vector<NamedSockets> all_sockets() const;
  // Upgrade::Deeds
  void lend(const Successor& successor) override;
  void take_back() override;
  void hand_over(Successor& successor) override;
  void save_costs();
  void drain(const std::string& signal);
  void set_drain_deadline(Duration time);
  void extend_stop();
  void on_worker_idle();
  void end_when_alone();
  void stop_workers();
  void flush_spans();

  const config::Settings& settings_;  // of the start
  Duration drain_time_;
  SharedDesk& desk_;
  SharedLimits& limits_;
  SharedCosts& costs_;
  Reloader& reloader_;
  AccessLog& access_log_;
  EventBasePtr base_;
  std::unique_ptr<LoopScheduler> scheduler_;
  std::unique_ptr<Mailbox> mailbox_;
  std::vector<EventPtr> signals_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<SpanExporter> exporter_;
  TailHub tails_;
  std::unique_ptr<RecordFan> records_;
  WorkerParts parts_;
  SharedLessons lessons_;
  SharedCalibration calibration_;
  Metrics metrics_;
  MetricsService metrics_service_;
  TokenCounter counter_;
  SharedStates states_;
  SharedCache cache_;
  std::unique_ptr<Resolver> media_resolver_;
  MediaParts media_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Origins& origins_;
  ListenerSet listeners_;
  // Sockets of the process before this one that the configuration does not want any more.
  std::vector<PassedSocket> left_;
  ServiceManager manager_;
  std::unique_ptr<Watchdog> watchdog_;
  TimerHandle status_timer_, extension_;
  TimerHandle certificate_check_;
  exchange::CatalogPtr catalog_;  // of the configuration in force
  SystemRandom random_;
  std::unique_ptr<WorkerPolls> polls_;
  std::unique_ptr<Later> later_;
  std::unique_ptr<BackendTester> tester_;
  std::unique_ptr<ControlDesk> control_desk_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<Upgrade> upgrade_;
  bool reload_asked_ = false;  // by a signal, while an upgrade is under way
  bool on_terminal_ = false;
  bool ready_ = false;
  bool draining_ = false;
  bool replaced_ = false;  // by a successor; draining, with all the time that takes
  bool stopped_ = false;
  bool resting_ = false;
  TimePoint rest_end_;
  TimerHandle rest_deadline_;
  std::size_t busy_workers_ = 0;
  TimerHandle drain_deadline_;
  TimerHandle costs_timer_;
};

}  // namespace clasp::daemon

// See listener_set.h.
#include "daemon/listener_set.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "config/listen.h"
#include "daemon/listener.h"

namespace clasp::daemon {
namespace {

std::string name_of(const config::Listener& listener) {
  return listener.name.empty() ? config::render_listener(listener)
                               : "[listener " + listener.name + "]";
}

// The first file of a listener that exists and that this user may not read.
std::string unreadable_file(const config::ListenerTls& tls) {
  std::vector<std::string> files{tls.client_ca};
  for (const config::CertificateFiles& one : tls.certificates)
    files.insert(files.end(), {one.certificate, one.private_key});
  for (const std::string& file : files)
    if (!file.empty() && access(file.c_str(), R_OK) != 0 && errno == EACCES) return file;
  return "";
}

Result<EntrancePtr> make_entrance(const config::Settings& settings,
                                  const config::Listener& listener,
                                  std::vector<std::string>& warnings) {
  auto entrance = std::make_shared<Entrance>();
  entrance->listener = listener;
  entrance->trusted = settings.trusted_proxies;
  entrance->trust_unix_sockets = settings.trust_unix_sockets;
  if (listener.tls.enabled()) {
    auto tls = TlsServer::make(listener.tls, warnings);
    if (!tls) return fail(name_of(listener) + ": " + tls.error().message);
    entrance->tls = std::move(*tls);
  }
  return EntrancePtr(std::move(entrance));
}

}  // namespace

bool is_loopback(const config::Listener& listener) {
  return listener.is_unix || listener.address.starts_with("127.") || listener.address == "::1" ||
         listener.address == "localhost";
}

Result<void> check_listeners(const config::Settings& settings, bool forgive_permission,
                             std::vector<std::string>& warnings) {
  for (const config::Listener& listener : settings.listeners) {
    const std::string file = forgive_permission ? unreadable_file(listener.tls) : "";
    if (!file.empty()) {
      warnings.push_back(name_of(listener) + ": " + file +
                         " cannot be read by this user and was not checked");
      continue;
    }
    auto entrance = make_entrance(settings, listener, warnings);
    if (!entrance) return tl::unexpected(entrance.error());
    if (!(*entrance)->tls) continue;
    for (std::string& text : (*entrance)->tls->date_warnings()) warnings.push_back(std::move(text));
  }
  return {};
}

Result<void> ListenerSet::open(One& one) const {
  const config::Listener& listener = one.entrance->listener;
  for (unsigned i = 0; i < workers_; ++i) {
    if (listener.is_unix && i > 0) {
      UniqueFd copy(fcntl(one.fds.front().get(), F_DUPFD_CLOEXEC, 0));
      if (!copy)
        return fail("cannot share " + config::render_listener(listener) + " between workers");
      one.fds.push_back(std::move(copy));
      continue;
    }
    auto fd = open_listener(listener, workers_ > 1);
    if (!fd) return tl::unexpected(fd.error());
    one.fds.push_back(std::move(*fd));
  }
  return {};
}

Result<ListenerSet::Prepared> ListenerSet::prepare(const config::Settings& settings) const {
  Prepared out;
  out.last_id = last_id_;
  std::vector<std::uint64_t> kept;
  for (const config::Listener& listener : settings.listeners) {
    auto entrance = make_entrance(settings, listener, out.warnings);
    if (!entrance) return tl::unexpected(entrance.error());
    One& one = out.all.emplace_back();
    one.entrance = std::move(*entrance);
    const auto same = std::find_if(open_.begin(), open_.end(), [&](const One& old) {
      return old.entrance->listener.is_at_same_place(listener) &&
             std::find(kept.begin(), kept.end(), old.id) == kept.end();
    });
    if (same != open_.end()) {
      one.id = same->id;
      kept.push_back(one.id);
    } else {
      one.id = ++out.last_id;
    }
  }
  for (One& one : out.all)
    if (one.id > last_id_)
      if (auto opened = open(one); !opened) return tl::unexpected(opened.error());
  return out;
}

std::vector<std::vector<OpenListener>> ListenerSet::commit(Prepared prepared) {
  std::vector<std::vector<OpenListener>> out(workers_);
  newly_exposed_.clear();
  for (One& one : prepared.all) {
    const config::Listener& listener = one.entrance->listener;
    const bool is_new = !one.fds.empty();
    if (is_new && !is_loopback(listener)) newly_exposed_.push_back(listener);
    if (!is_new && listener.is_unix)
      if (auto set = set_unix_permissions(listener); !set) log_error(set.error().message);
    for (unsigned i = 0; i < workers_; ++i)
      out[i].push_back({one.id, one.entrance, is_new ? std::move(one.fds[i]) : UniqueFd()});
    one.fds.clear();
  }
  open_ = std::move(prepared.all);
  last_id_ = prepared.last_id;
  warnings_ = std::move(prepared.warnings);
  return out;
}

std::vector<std::string> ListenerSet::date_warnings() const {
  std::vector<std::string> out;
  for (const One& one : open_)
    if (one.entrance->tls)
      for (std::string& text : one.entrance->tls->date_warnings()) out.push_back(std::move(text));
  return out;
}

std::vector<std::string> ListenerSet::names() const {
  std::vector<std::string> out;
  for (const One& one : open_)
    out.push_back(config::render_listener(one.entrance->listener) +
                  (one.entrance->tls ? " (https)" : ""));
  return out;
}

std::string ListenerSet::render() const {
  std::string out;
  for (const std::string& name : names()) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

std::vector<config::Listener> ListenerSet::newly_exposed() const {
  return newly_exposed_;
}

}  // namespace clasp::daemon

// See listener_set.h.
#include "daemon/listener_set.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "base/words.h"
#include "config/listen.h"
#include "daemon/error_text.h"
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

constexpr std::string_view kPurpose = "listen";

// Where it really listens: "any free port" is a certain one by now.
config::Listener place_of(const config::Listener& listener, const std::vector<SharedFd>& fds) {
  config::Listener out = listener;
  if (out.is_unix || out.port != 0 || fds.empty()) return out;
  if (const auto opened = look_at_socket("", fds.front())) out.port = opened->place.port;
  return out;
}

// A socket that takes both IPv4 and IPv6 stands for both addresses, and nothing can be opened
// beside it.
bool covers(const PassedSocket& passed, const config::Listener& listener) {
  if (passed.place.is_at_same_place(listener)) return true;
  return passed.dual_stack && !listener.is_unix && listener.port == passed.place.port &&
         (listener.address == "0.0.0.0" || listener.address == "::");
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

// What clients are accepted on: passed sockets, with the settings of the listener that has the same
// name or is at the same place, and the other configured ones. The default address is for those who
// pass none.
std::vector<ListenerSet::Wanted> ListenerSet::wanted(const config::Settings& settings) const {
  std::vector<const config::Listener*> configured;
  for (const config::Listener& listener : settings.listeners)
    if (passed_.listeners.empty() || listener.name != config::kDefaultListener)
      configured.push_back(&listener);
  std::vector<Wanted> out;
  std::vector<const config::Listener*> used;
  for (const PassedSocket& passed : passed_.listeners) {
    Wanted& one = out.emplace_back(Wanted{passed.place, &passed});
    const config::Listener* match = nullptr;
    for (const config::Listener* listener : configured) {
      if (covers(passed, *listener)) {
        used.push_back(listener);
        if (match == nullptr) match = listener;
      }
    }
    for (const config::Listener* listener : configured)
      if (!listener->name.empty() && listener->name == passed.name)
        used.push_back(match = listener);
    if (match == nullptr) continue;
    one.listener = *match;
    one.listener.address = passed.place.address;
    one.listener.port = passed.place.port;
    one.listener.is_unix = passed.place.is_unix;
  }
  for (const config::Listener* listener : configured)
    if (std::find(used.begin(), used.end(), listener) == used.end())
      out.push_back({*listener, nullptr});
  return out;
}

Result<void> ListenerSet::open(One& one, const PassedSocket* passed) const {
  config::Listener listener = one.entrance->listener;
  if (passed != nullptr) {
    one.of_unit = true;
    one.name = passed->name;
    one.fds.push_back(passed->fd);
    return share(one);
  }
  for (const PassedSocket& own : passed_.own) {
    if (!is_own_name(own.name, kPurpose, listener)) continue;
    one.name = own.name;
    one.fds.push_back(own.fd);
  }
  if (!one.fds.empty()) return share(one);
  const unsigned count = listener.is_unix ? 1 : workers_;
  for (unsigned i = 0; i < count; ++i) {
    auto fd = open_listener(listener, count > 1);
    if (!fd) return tl::unexpected(fd.error());
    one.fds.push_back(std::make_shared<const UniqueFd>(std::move(*fd)));
    if (listener.is_unix || listener.port != 0 || count == 1) continue;
    // "Any free port" is the same one for all workers.
    const auto opened = look_at_socket("", one.fds.front());
    if (!opened) return tl::unexpected(opened.error());
    listener.port = opened->place.port;
  }
  one.name = own_name(kPurpose, one.entrance->listener);
  return share(one);
}

// Nobody may be left without a socket, and no socket without somebody who accepts on it.
Result<void> ListenerSet::share(One& one) const {
  one.shares.resize(workers_);
  const std::size_t count = std::max<std::size_t>(workers_, one.fds.size());
  for (std::size_t i = 0; i < count; ++i) {
    UniqueFd copy(fcntl(one.fds[i % one.fds.size()]->get(), F_DUPFD_CLOEXEC, 0));
    if (!copy)
      return fail("cannot share " + config::render_listener(one.entrance->listener) +
                  " between workers: " + describe_errno(errno));
    one.shares[i % workers_].push_back(std::move(copy));
  }
  return {};
}

Result<ListenerSet::Prepared> ListenerSet::prepare(const config::Settings& settings) const {
  Prepared out;
  out.last_id = last_id_;
  std::vector<std::uint64_t> kept;
  const std::vector<Wanted> all = wanted(settings);
  for (const auto& [listener, passed] : all) {
    auto entrance = make_entrance(settings, listener, out.warnings);
    if (!entrance) return tl::unexpected(entrance.error());
    One& one = out.all.emplace_back();
    one.entrance = std::move(*entrance);
    const auto same = std::find_if(open_.begin(), open_.end(), [&](const One& old) {
      return old.entrance->listener.is_at_same_place(one.entrance->listener) &&
             std::find(kept.begin(), kept.end(), old.id) == kept.end();
    });
    if (same != open_.end()) {
      one.id = same->id;
      one.of_unit = same->of_unit;
      one.name = same->name;
      one.fds = same->fds;
      kept.push_back(one.id);
    } else {
      one.id = ++out.last_id;
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    if (out.all[i].id > last_id_)
      if (auto opened = open(out.all[i], all[i].passed); !opened)
        return tl::unexpected(opened.error());
  return out;
}

std::vector<std::vector<OpenListener>> ListenerSet::commit(Prepared prepared) {
  std::vector<std::vector<OpenListener>> out(workers_);
  newly_exposed_.clear();
  for (One& one : prepared.all) {
    const config::Listener& listener = one.entrance->listener;
    const bool is_new = !one.shares.empty();
    if (is_new && !is_loopback(listener)) newly_exposed_.push_back(place_of(listener, one.fds));
    if (!is_new && listener.is_unix && !one.of_unit)
      if (auto set = set_unix_permissions(listener); !set) log_error(set.error().message);
    for (unsigned i = 0; i < workers_; ++i) {
      if (!is_new)
        out[i].push_back({one.id, one.entrance, UniqueFd()});
      else
        for (UniqueFd& fd : one.shares[i])
          out[i].push_back({one.id, one.entrance, std::move(fd), one.fds.size() < workers_});
    }
    one.shares.clear();
  }
  for (const One& old : open_)
    if (std::none_of(prepared.all.begin(), prepared.all.end(),
                     [&old](const One& one) { return one.id == old.id; }))
      if (!old.of_unit) remove_socket_file(old.name, old.entrance->listener);
  open_ = std::move(prepared.all);
  last_id_ = prepared.last_id;
  warnings_ = std::move(prepared.warnings);
  passed_.own.clear();  // the first configuration had its choice
  return out;
}

std::vector<std::uint64_t> ListenerSet::let_go(
    const std::function<bool(const std::string& name)>& kept) {
  std::vector<std::uint64_t> out;
  for (One& one : open_) {
    if (one.of_unit || kept(one.name)) {
      out.push_back(one.id);
      continue;
    }
    one.fds.clear();
    remove_socket_file(one.name, one.entrance->listener);
  }
  return out;
}

void ListenerSet::give_away() {
  for (One& one : open_) one.fds.clear();
}

std::vector<NamedSockets> ListenerSet::own() const {
  std::vector<NamedSockets> out;
  for (const One& one : open_)
    if (!one.of_unit && !one.name.empty()) out.push_back({one.name, one.fds});
  return out;
}

std::vector<NamedSockets> ListenerSet::all() const {
  std::vector<NamedSockets> out = own();
  for (const One& one : open_)
    if (one.of_unit) out.push_back({one.name, one.fds});
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
    out.push_back(config::render_listener(place_of(one.entrance->listener, one.fds)) +
                  (one.entrance->tls ? " (https)" : ""));
  return out;
}

std::string ListenerSet::render() const {
  return join(names(), ", ");
}

std::vector<config::Listener> ListenerSet::newly_exposed() const {
  return newly_exposed_;
}

}  // namespace clasp::daemon

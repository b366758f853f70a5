// See resolve_listeners.h.
#include "config/resolve_listeners.h"

#include <algorithm>

#include "base/text.h"
#include "config/listen.h"

namespace clasp::config {
namespace {

constexpr std::string_view kDefaultMode = "0660";

class Resolver {
 public:
  explicit Resolver(Collector& collector)
      : collector_(collector), draft_(collector.draft), settings_(draft_.settings) {}

  void run() {
    resolve_proxies();
    const std::string place = collector_.place_of(*find_flag("listen"));
    // The default address is for those who name no other.
    const bool by_default = draft_.listen.empty() && draft_.listeners.empty();
    if (by_default) draft_.listen.emplace_back("127.0.0.1");
    for (const std::string& text : draft_.listen) {
      auto listener = parse_listener(text, static_cast<std::uint16_t>(draft_.port));
      if (listener)
        add(std::move(*listener), place);
      else
        error(place + ": " + listener.error().message);
    }
    if (by_default) settings_.listeners.front().name = kDefaultListener;
    for (const ListenerDraft& draft : draft_.listeners) resolve_section(draft);
  }

 private:
  void error(std::string text) { collector_.errors.push_back(std::move(text)); }

  void resolve_proxies() {
    const std::string place = collector_.place_of(*find_key("server", "trusted_proxies").option);
    for (const std::string& text : draft_.trusted_proxies) {
      if (iequals(text, "unix")) {
        settings_.trust_unix_sockets = true;
        continue;
      }
      const auto network = parse_network(text);
      if (!network) {
        error(place + ": " + quoted(text) + ": " + network.error().message + ", or unix");
        continue;
      }
      if (network->prefix == (text.find(':') == std::string::npos ? 96u : 0u))
        collector_.warnings.push_back(place + ": " + quoted(text) +
                                      " is everybody: clients can claim any address");
      settings_.trusted_proxies.push_back(*network);
    }
  }

  void add(Listener listener, const std::string& place) {
    const auto& known = settings_.listeners;
    const auto same = std::find_if(known.begin(), known.end(), [&](const Listener& one) {
      return one.is_at_same_place(listener);
    });
    if (same != known.end() && (listener.is_unix || listener.port != 0))
      return error(place + ": " + render_listener(listener) + " is listed twice");
    settings_.listeners.push_back(std::move(listener));
  }

  void resolve_section(const ListenerDraft& draft) {
    const std::string where = draft.place + ": [listener " + draft.name + "]";
    if (draft.address.empty()) return error(where + " needs an address");
    auto parsed = parse_listener(draft.address, static_cast<std::uint16_t>(draft_.port));
    if (!parsed) return error(where + " address: " + parsed.error().message);
    Listener& listener = *parsed;
    listener.name = draft.name;
    listener.proxy_protocol = draft.proxy_protocol;
    const std::size_t mistakes = collector_.errors.size();
    resolve_tls(draft, listener, where);
    resolve_unix(draft, listener, where);
    if (listener.proxy_protocol &&
        (listener.is_unix ? !settings_.trust_unix_sockets : settings_.trusted_proxies.empty()))
      error(where +
            " proxy_protocol: trusted_proxies in [server] names nobody whose header would "
            "be believed; every connection would be refused");
    if (collector_.errors.size() == mistakes) add(std::move(listener), where + " address");
  }

  void resolve_tls(const ListenerDraft& draft, Listener& listener, const std::string& where) {
    const auto& keys = draft.private_key;
    if (draft.certificate.empty()) {
      for (const auto& [key, is_set] : {std::pair("private_key", !keys.empty()),
                                        {"client_ca", !draft.client_ca.empty()},
                                        {"client_certificates", draft.client_certificates != "off"},
                                        {"min_tls", draft.min_tls != "1.2"}})
        if (is_set) error(where + " " + key + ": it is for HTTPS, which needs certificate");
      return;
    }
    if (!keys.empty() && keys.size() != draft.certificate.size())
      return error(where + " private_key: " + std::to_string(keys.size()) + " files for " +
                   std::to_string(draft.certificate.size()) + " of certificate");
    for (std::size_t i = 0; i < draft.certificate.size(); ++i)
      listener.tls.certificates.push_back(
          {draft.certificate[i], keys.empty() ? draft.certificate[i] : keys[i]});
    listener.tls.only_tls13 = draft.min_tls == "1.3";
    listener.tls.client_ca = draft.client_ca;
    if (draft.client_certificates == "optional")
      listener.tls.client_certificates = ClientCertificates::optional;
    if (draft.client_certificates == "required")
      listener.tls.client_certificates = ClientCertificates::required;
    if (draft.client_certificates != "off" && draft.client_ca.empty())
      error(where + " client_certificates: client_ca must say whose certificates are good");
    if (draft.client_certificates == "off" && !draft.client_ca.empty())
      collector_.warnings.push_back(where +
                                    " client_ca: it has no effect without client_certificates");
  }

  void resolve_unix(const ListenerDraft& draft, Listener& listener, const std::string& where) {
    if (!listener.is_unix) {
      if (!draft.group.empty()) error(where + " group: it is for unix:/PATH addresses");
      if (draft.mode != kDefaultMode) error(where + " mode: it is for unix:/PATH addresses");
      return;
    }
    listener.unix_group = draft.group;
    const auto mode = parse_file_mode(draft.mode);
    if (!mode) return error(where + " mode: " + quoted(draft.mode) + " is no mode such as 0660");
    listener.unix_mode = *mode;
  }

  Collector& collector_;
  Draft& draft_;
  Settings& settings_;
};

}  // namespace

void resolve_listeners(Collector& collector) {
  Resolver(collector).run();
}

std::optional<std::uint32_t> parse_file_mode(std::string_view text) {
  const bool octal = text.size() >= 3 && text.size() <= 4 &&
                     text.find_first_not_of("01234567") == text.npos &&
                     (text.size() == 3 || text.front() == '0');
  if (!octal) return std::nullopt;
  std::uint32_t mode = 0;
  for (const char digit : text) mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
  return mode;
}

}  // namespace clasp::config

// See keys.h. A made key is "clasp-" and 256 random bits.
#include "ctl/keys.h"

#include "base/sha256.h"
#include "base/text.h"
#include "config/resolve_clients.h"

namespace clasp::ctl {
namespace {

constexpr std::string_view kPrefix = "clasp-";
constexpr std::size_t kRandomBytes = 32;

std::string render_hash(std::string_view key) {
  return "sha256:" + sha256_hex(key);
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(out.empty() ? "{" : ",");
  append_json_string(out, name);
  out.push_back(':');
  append_json_string(out, value);
}

}  // namespace

Result<std::string> make_key(const Call& call, const World& world) {
  const std::string& name = call.arguments.front();
  if (!config::is_client_name(name)) return fail(std::string(config::kClientNameRule));
  const auto bytes = world.random_bytes(kRandomBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  const std::string key = std::string(kPrefix) + base64url_encode(*bytes);
  const std::string hash = render_hash(key);
  std::string out;
  if (call.json) {
    append_member(out, "name", name);
    append_member(out, "key", key);
    append_member(out, "key_hash", hash);
    return out + "}\n";
  }
  out = key + "\n\nThis is the client's key; it is not shown again. In clasp.conf goes\n\n[client ";
  out.append(name).append("]\nkey_hash = ").append(hash);
  out.append("\n\nor, into the file that keys_file of [auth] names, the line\n\n");
  return out.append(name).append(":").append(hash).append("\n");
}

Result<std::string> hash_key(const Call& call, const World& world) {
  const auto input = world.read_input();
  if (!input) return tl::unexpected(input.error());
  const std::string_view text = trim(*input);
  if (text.empty()) return fail("there is no key on standard input");
  if (text.find('\n') != std::string_view::npos)
    return fail("there are several lines on standard input; a key is one");
  // The rule of the configuration: a key that could not stand there has no use.
  const auto key = config::parse_value({config::Kind::secret}, text);
  if (!key) return tl::unexpected(key.error());
  const std::string hash = render_hash(key->text);
  if (!call.json) return hash + "\n";
  std::string out;
  append_member(out, "key_hash", hash);
  return out + "}\n";
}

}  // namespace clasp::ctl

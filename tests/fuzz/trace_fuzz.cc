// Trace Context headers and texts for the log: whatever comes in, what goes out is well-formed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/log_text.h"
#include "base/text.h"
#include "core/exchange/body_log.h"
#include "core/wire/trace_context.h"

using namespace clasp;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto parent = wire::parse_traceparent(text)) {
    const std::string rendered = wire::render_traceparent(*parent);
    require(wire::parse_traceparent(rendered).has_value());
    require(rendered.size() == 55);
  }
  const std::string state = wire::join_tracestate({{"tracestate", text}, {"tracestate", "z=1"}});
  require(state.size() <= wire::kMostTraceState);
  require(wire::join_tracestate({{"tracestate", state}}) == state);
  const std::size_t limit = size / 2;
  std::string escaped, quoted;
  append_escaped_text(escaped, text, limit);
  append_quoted_text(quoted, text, limit);
  for (const std::string& out : {escaped, quoted}) {
    require(is_valid_utf8(out));
    for (const char c : out) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }
  KnownSecrets secrets;
  secrets.add("canary-of-the-fuzzer");
  const std::string body = exchange::render_body(text, size, limit, secrets);
  require(is_valid_utf8(body));
  require(body.find("canary-of-the-fuzzer") == std::string::npos);
  return 0;
}

// What the steps of one request's translation share: the inputs, the call's profile, the growing
// reply context, warnings, the first error, and texts made on the way. Private to this room.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/translate/family.h"
#include "core/translate/reply_context.h"
#include "core/translate/request.h"
#include "core/translate/target.h"
#include "core/wire/anthropic_request.h"

namespace clasp::translate {

class Translation {
 public:
  Translation(const wire::MessagesRequest& message_request, const Target& call_target,
              const RequestFacts& request_facts)
      : request(message_request),
        target(call_target),
        facts(request_facts),
        dialect(*call_target.dialect),
        profile(make_profile(*call_target.dialect, call_target.model)) {}
  Translation(const Translation&) = delete;

  const wire::MessagesRequest& request;
  const Target& target;
  const RequestFacts& facts;
  const Dialect& dialect;
  const Profile profile;
  ReplyContext reply;
  std::vector<std::string> warnings;
  std::map<std::string, wire::Tool> inline_tools;  // tools that the conversation defined, by name
  // Turns that begin before this block do without their state, unless the backend requires it.
  const wire::Block* thinking_from = nullptr;
  // Responses: tools that the conversation brought, each as an item for the turn of the block that
  // did so. In the order of the blocks.
  struct Addition {
    const wire::Block* at = nullptr;
    std::string_view item;
  };
  std::vector<Addition> additions;
  std::int64_t compact_at =
      0;              // tokens above which the backend shortens the conversation, 0: never
  int documents = 0;  // files met so far, for their names

  // Something is left out or changed: a token for the client, or, in strict mode, a refusal.
  // `path` is the JSON path it is about, empty when it is nothing in particular.
  void warn(std::string_view token, std::string_view path = {});
  void warn(std::string_view token, const wire::Block& block);
  // The first refusal counts.
  void refuse(std::string_view path, std::string_view problem);
  void refuse(wire::ApiError error);
  bool refused() const { return error_.has_value(); }
  const wire::ApiError& error() const { return *error_; }

  // "messages.3.content.1" of a block of a message, or of the block around it.
  std::string path_of(const wire::Block& block) const;
  // Keeps a text alive as long as this.
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  // Plain text as the inside of a JSON string, kept.
  std::string_view keep_escaped(std::string_view text);

 private:
  std::optional<wire::ApiError> error_;
  std::deque<std::string> texts_;
};

// JSON-escaped pieces that are used as they are.
inline constexpr std::string_view kNewlineRaw = "\\n";
inline constexpr std::string_view kBlankLineRaw = "\\n\\n";

// True when the raw string holds nothing but white space.
bool is_blank_raw(std::string_view raw);
// Without white space at its end.
std::string_view trim_end_raw(std::string_view raw);
// SHA-256 as 64 hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace clasp::translate

// Names, statuses and renderings of API errors.
#include "core/wire/api_error.h"

#include <utility>

#include "base/text.h"
#include "core/wire/json_reader.h"

namespace clasp::wire {

namespace {

struct TypeRow {
  std::string_view name;
  int status;
};

// In the order of ErrorType.
constexpr TypeRow kTypes[] = {
    {"invalid_request_error", 400},
    {"authentication_error", 401},
    {"billing_error", 402},
    {"permission_error", 403},
    {"not_found_error", 404},
    {"conflict_error", 409},
    {"request_too_large", 413},
    {"rate_limit_error", 429},
    {"timeout_error", 504},
    {"overloaded_error", 529},
    {"api_error", 500},
};

const TypeRow& row_of(ErrorType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

}  // namespace

std::string_view render_error_type(ErrorType type) {
  return row_of(type).name;
}

int status_of(ErrorType type) {
  return row_of(type).status;
}

ApiError make_error(ErrorType type, std::string message) {
  ApiError error;
  error.status = status_of(type);
  error.type = type;
  error.message = std::move(message);
  return error;
}

namespace {

// The backend's words under our id: the one that the answer's header names.
std::string with_request_id(const std::string& object, std::string_view request_id) {
  static const std::string kName[] = {"request_id"};
  const auto others = json_members_without(object, kName);
  if (!others) return object;
  std::string out = "{" + *others + (others->empty() ? "" : ",") + "\"request_id\":";
  append_json_string(out, scrub_utf8(request_id));
  return out + "}";
}

}  // namespace

std::string render_error_body(const ApiError& error, std::string_view request_id) {
  if (!error.verbatim.empty()) return with_request_id(error.verbatim, request_id);
  std::string out = "{\"type\":\"error\",\"error\":{\"type\":";
  append_json_string(out, render_error_type(error.type));
  out.append(",\"message\":");
  append_json_string(out, scrub_utf8(error.message));
  if (!error.details_code.empty()) {
    out.append(",\"details\":{\"error_code\":");
    append_json_string(out, scrub_utf8(error.details_code));
    out.push_back('}');
  }
  out.append("},\"request_id\":");
  append_json_string(out, scrub_utf8(request_id));
  out.push_back('}');
  return out;
}

std::string_view message_of_error_body(std::string_view body) {
  constexpr std::string_view kMember = "\"message\":\"";
  const std::size_t begin = body.find(kMember);
  if (begin == std::string_view::npos) return {};
  body.remove_prefix(begin + kMember.size());
  std::size_t end = 0;
  while (end < body.size() && body[end] != '"') end += body[end] == '\\' ? 2 : 1;
  return body.substr(0, end);
}

void append_error_event(std::string& out, const ApiError& error, std::string_view request_id) {
  out.append("event: error\ndata: ");
  // An event's line has no line ends.
  append_compact_json(out, render_error_body(error, request_id));
  out.append("\n\n");
}

}  // namespace clasp::wire

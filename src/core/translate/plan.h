// The backend's messages before they are written: speakers, parts and calls as views into the
// client's bytes. Steps that look at neighbours (folding, merging, moving media) work on this.
// Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clasp::translate {

enum class Speaker { system, user, assistant, tool };

struct Part {
  enum class Kind { text, image, file };
  Kind kind = Kind::text;
  // Text that goes on in the text part before it, behind `glue`.
  bool attached = false;
  std::string_view glue;                // raw; between this and what stands before it in one string
  std::string_view before, raw, after;  // text: three pieces, raw
  // image, file: `raw` is a URL, or base64 data when media_type is set; filename for files.
  std::string_view media_type, filename;
  std::string_view cache_control;  // the client's hint, only where the dialect keeps it
};

struct PlannedCall {
  std::string_view id;          // on the wire, JSON-safe
  std::string_view client_id;   // decoded, as the client knows it
  std::string_view name;        // on the wire
  std::string_view input_json;  // the client's input, empty when missing
  std::string_view extra;       // further JSON members, beginning with a comma
};

struct PlannedMessage {
  Speaker speaker = Speaker::user;
  std::vector<Part> parts;
  std::vector<PlannedCall> calls;  // assistant
  std::string_view tool_id;        // tool
  std::string_view extra;          // further JSON members, beginning with a comma
  std::string_view thinking;       // assistant: raw text for a thinking part (mistral)
  std::string_view item;           // Responses: a whole item of the assistant's, and nothing else
  std::string_view phase;          // of a message of the assistant's, as the backend gave it (raw)
  bool accepts_user = false;       // a folded system text waits for the user turn behind it
  bool media_only = false;
};

struct Plan {
  std::string_view system;               // not used when parts are needed
  std::vector<PlannedMessage> messages;  // the leading system message is among them
};

inline Part text_part(std::string_view raw, std::string_view glue = {}) {
  Part part;
  part.raw = raw;
  part.glue = glue;
  return part;
}

}  // namespace clasp::translate

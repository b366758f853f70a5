// Content blocks of users and tool results -> parts (translation spec §2.3, §2.6). What a backend
// cannot take becomes a readable placeholder, or a refusal where the client just wrote it.
// Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/translate/plan.h"
#include "core/translate/translation.h"

namespace clasp::translate {

// Where parts go and what may happen there.
struct Destination {
  std::vector<Part>& parts;
  std::string_view glue;               // raw text between blocks that end up in one string
  bool may_refuse = false;             // top level of the newest user turn
  std::vector<Part>* moved = nullptr;  // media that cannot stand here go there
  int* moved_count = nullptr;
  bool images_stay = false;  // … except images
  bool files_stay = false;   // … except PDFs
};

// Results in a result, in turn: tools may pass on what another one gave them.
inline constexpr int kMostNestedResults = 2;

// Any block that a user turn may hold, except tool results that were paired with their call.
void add_user_block(Translation& t, const wire::Block& block, const Destination& to);

// The content of one tool_result, appended to a tool message.
void add_tool_result(Translation& t, const wire::Block& result, const Destination& to);

// Text for a block that the backend has no form for: server tools, search results, lists of tabs.
// Plain text, not escaped; empty when there is nothing to say.
std::string digest_block(const wire::Block& block);

// The text of a raw string: itself when nothing is escaped, else decoded and kept.
std::string_view text_of(Translation& t, std::string_view raw);

}  // namespace clasp::translate

// The conversation put in order before any dialect's wishes: empty texts gone, neighbours merged,
// each tool call beside its results (translation spec §2.1, §2.7). Private to this room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/translate/translation.h"

namespace clasp::translate {

struct Turn {
  wire::Role role = wire::Role::user;
  std::vector<const wire::Block*> blocks;
  const wire::Message* message = nullptr;  // the first one of those merged
};

// Refuses (through `t`) what leaves nothing to answer.
std::vector<Turn> make_turns(Translation& t);

struct PairedCall {
  const wire::Block* use = nullptr;
  std::size_t turn = 0;
  std::string_view wire_id;
  std::vector<const wire::Block*> results;  // several are joined; none: it was interrupted
};

// Calls in the order of the turns, each with its results.
class Pairing {
 public:
  Pairing(Translation& t, const std::vector<Turn>& turns);
  // The calls of one assistant turn.
  std::vector<const PairedCall*> calls_of(std::size_t turn) const;
  // True for a tool_result that goes with its call and not with the user turn around it.
  bool is_paired(const Translation& t, const wire::Block& block) const;

 private:
  // The calls that had the same id, and which of the newest turn's waits for a result.
  struct SameId {
    std::vector<std::size_t> calls;
    std::size_t next_free = 0;
    std::size_t next_name = 2;  // what was tried already need not be tried again
  };
  void add_call(Translation& t, std::size_t turn, const wire::Block& use, SameId& same_id);
  void add_result(Translation& t, const std::vector<Turn>& turns, std::size_t turn,
                  const wire::Block& result, SameId& same_id);

  std::vector<PairedCall> calls_;
  std::unordered_set<std::string> used_ids_;  // before they are made fit for the wire
  std::vector<bool> paired_;                  // by index in MessagesRequest::blocks
};

}  // namespace clasp::translate

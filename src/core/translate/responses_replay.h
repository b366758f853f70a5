// Reasoning of the Responses API on its way back: the items that our signatures hold (translation
// spec §2.5, kind r). Private to this room.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/translate/turns.h"

namespace clasp::translate {

// The items of one assistant turn: those of its thinking blocks, or, where the client dropped
// these, what was remembered of the reply that made its calls.
class TurnItems {
 public:
  TurnItems(Translation& t, const std::vector<const wire::Block*>& blocks,
            const std::vector<const PairedCall*>& calls);

  struct Sealed {
    std::string_view item;   // JSON, kept by `t`; empty when there is none to give
    std::string_view phase;  // of the message behind it, if the backend gave it one
    std::string_view prior;  // of the message before it, where two stood side by side
    bool empty() const { return item.empty() && phase.empty() && prior.empty(); }
  };
  // Asked for the turn's blocks in their order: what a thinking block holds.
  Sealed take(const wire::Block& block);
  // Asked for the turn's calls in their order: the next of the remembered ones that stood in front
  // of this one; empty when there is none any more.
  std::string_view take_before(std::size_t call);

 private:
  struct Remembered {
    std::size_t call = 0;
    std::string_view item;
  };
  bool is_off(const std::vector<const wire::Block*>& blocks) const;
  Sealed render(std::string_view signature, std::string_view visible_raw,
                std::size_t* at = nullptr);
  void remember(const std::vector<const PairedCall*>& calls);

  Translation& t_;
  std::vector<std::pair<const wire::Block*, Sealed>> items_;
  std::size_t next_item_ = 0;
  std::vector<Remembered> remembered_;  // in the order of the calls
  std::size_t next_remembered_ = 0;
};

// Takes out what the backend said it does not take (Adjustments), and reasoning that nothing
// follows in its turn. `from`: where the plan's newest turn begins.
struct PlannedMessage;
void drop_followerless(std::vector<PlannedMessage>& messages, std::size_t from);
// Where the backend has summed up, what stood before that is left out: its item stands for it.
void drop_summed_up(const Translation& t, std::vector<PlannedMessage>& messages);
void drop_refused_items(const Translation& t, std::vector<PlannedMessage>& messages);

}  // namespace clasp::translate

// The walk through the turns that makes a plan (messages.cc; responses_turns.cc has what is
// different where the assistant's turn is a row of items). Private to the planning of messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/translate/messages.h"
#include "core/translate/turns.h"

namespace clasp::translate {

class MessagesPlanner {
 public:
  MessagesPlanner(Translation& t, const ReasoningPlan& reasoning)
      : t_(t), reasoning_(reasoning), turns_(make_turns(t)), pairing_(t, turns_) {
    for (std::size_t i = 0; i < turns_.size(); ++i)
      if (turns_[i].role == wire::Role::user) newest_user_ = i;
  }

  Plan run(std::string_view extra_system, std::string& body_members);

 private:
  std::size_t add_head(std::string_view extra_system);
  void add_odd_system_block(std::vector<Part>& parts, const wire::Block& block);
  void add_system_blocks(std::vector<Part>& parts, const wire::Block& block);
  bool is_cleared(const Turn& turn) const;
  void add_system_turn(const Turn& turn);
  void fold(std::string_view raw);
  void add_user(std::size_t index);
  void place_user(std::vector<Part> parts);
  void append_to_tool(const std::vector<Part>& parts);
  void add_assistant(std::size_t index);
  void add_assistant_items(std::size_t index);  // responses_turns.cc
  void add_assistant_block(PlannedMessage& message, const wire::Block& block, bool after_text);
  void add_with_results(PlannedMessage message, const std::vector<const PairedCall*>& calls);
  void add_result_message(const PlannedCall& planned, const PairedCall& call);
  void flush_media();
  void add_tools_of(const Turn& turn);
  PlannedMessage& add(Speaker speaker);
  std::string_view call_name(const wire::Block& use);

  Translation& t_;
  const ReasoningPlan& reasoning_;
  const std::vector<Turn> turns_;
  const Pairing pairing_;
  static constexpr std::size_t kNoTurn = static_cast<std::size_t>(-1);
  std::size_t newest_user_ = kNoTurn;
  std::size_t step_ = 0;      // assistant turns so far
  int media_count_ = 0;       // numbered per group of results
  bool silent_turn_ = false;  // the assistant's turn just now left no message
  std::vector<Part> media_;   // from tool results, for the next user message
  std::vector<Part> head_;    // system text for backends without a system role
  Plan plan_;
};

}  // namespace clasp::translate

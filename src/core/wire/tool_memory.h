// The tool lists of earlier requests by their exact bytes. Clients send the same tools with every
// turn, and they are half of a request: a list whose bytes are those of one that was read before
// needs no second proof and gives the same tools. It changes nothing that comes out, only how fast.
// One per loop: not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/wire/anthropic_request.h"
#include "core/wire/json_reader.h"

namespace clasp::wire {

class ToolMemory {
 public:
  // Conversations, subagents and questions on the side have a list each.
  static constexpr std::size_t kMostLists = 8;
  static constexpr std::size_t kMostBytes = 1u << 20;
  // Shorter ones are read as fast as they are compared; longer ones would leave no room for others.
  static constexpr std::size_t kShortest = 512;
  static constexpr std::size_t kLongest = kMostBytes / 4;
  static constexpr std::size_t kMostTools = 512;

  struct Known {
    std::string json;  // the whole array
    JsonReader::Spelling spelling;
    std::vector<Tool> tools;  // views into `json`
    std::shared_ptr<ToolNotes> notes;
  };

  // The list that `text` begins with; valid until the next call. `text` must begin with a bracket:
  // then nothing that follows can make another value of the same bytes.
  const Known* find(std::string_view text);
  // A list that was read without failure; `tools` are views into `json`. What its notes are, or
  // nothing where it is not worth remembering.
  std::shared_ptr<ToolNotes> put(std::string_view json, const std::vector<Tool>& tools,
                                 JsonReader::Spelling spelling);

  std::size_t size() const { return lists_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::list<Known> lists_;  // the last one used first
  std::size_t bytes_ = 0;
};

// The same tools with their views moved from one copy of the text to another.
std::vector<Tool> moved_tools(const std::vector<Tool>& tools, const char* from, const char* to);

}  // namespace clasp::wire

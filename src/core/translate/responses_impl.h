// The state of one Responses reply, shared by the files that make up its machine:
// responses_reply.cc (events), responses_items.cc (which item an event means and what is known of
// it), responses_show.cc (one item after the other), responses_blocks.cc (items that are blocks by
// themselves). Private to this room.
//
// Output items stand in a queue in the order of their places in the output, as far as they were
// heard of: one that is behind its place goes before those that were not begun. The first one that
// has not ended is shown as it comes; what comes for those behind it waits with them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/translate/reply_core.h"
#include "core/translate/responses_reply.h"
#include "core/translate/seen_text.h"
#include "core/wire/openai_responses.h"

namespace clasp::translate {

struct ResponsesReply::Impl final : ReplyCore {
  using ItemType = wire::ResponsesItemType;

  enum class PartKind { text, refusal, summary, reasoning };
  // A citation that waits for the end of its text. Raw, as it came.
  struct Citation {
    std::string url, title, content;
    std::int64_t start = -1, end = -1;
  };
  struct Part {
    PartKind kind = PartKind::text;
    std::int64_t index = 0;
    SeenText seen;        // raw, as it came
    std::string pending;  // not shown yet
    std::vector<Citation> citations;
    bool begun = false;  // something of it was shown
    bool whole = false;  // the backend said all of it
    bool done = false;   // nothing more of it counts
  };
  struct Item {
    ItemType type = ItemType::unknown;
    std::int64_t index = -1;  // in the backend's output
    std::int64_t number = 0;  // in the order of first signs; our key for its call
    std::string id;           // raw
    std::string phase;        // raw
    std::vector<Part> parts;  // in the order of their first sign
    std::size_t current = 0;  // the part that is being shown
    // Calls.
    std::string call_id, name;  // raw
    SeenText arguments;
    std::string pending;          // arguments not passed on
    bool arguments_json = false;  // they came as a value, not as a string
    bool arguments_done = false;
    bool announced = false;  // the queue knows the call
    // Reasoning, compaction.
    std::string label, encrypted;      // id and blob as they go back, raw
    PartKind source = PartKind::text;  // where its text comes from; text: nowhere yet
    bool thought = false;              // a part of it was shown
    bool spoke = false;                // text of it was shown
    std::vector<std::string> blocks;   // what a finished item of another kind becomes
    bool image = false;
    bool incomplete = false;
    bool completed = false;  // the backend says so
    bool early = false;      // it came whole, and may have to wait for those before it
    bool done = false;       // nothing more of it counts
    bool over = false;       // nothing more of it will be shown: done, or a call with whole input
    bool begun = false;      // it is, or was, at the head
    bool matched = false;    // with an entry of the final output
  };

  Impl(ReplyContext reply_context, wire::ResponsesParser& events, wire::EventSink& event_sink,
       Random& random_source);

  bool read_event(std::string_view data, std::size_t slack, std::string_view name) override;
  bool read_document(std::string_view text, std::size_t slack) override;
  void before_end() override;
  void after_text() override;
  void collect_states() override;

  // responses_reply.cc: events.
  bool repeats(const wire::ResponsesEvent& event, std::string_view data);
  void on_parsed(const wire::ResponsesEvent& event, std::string_view data);
  void on_part_event(const wire::ResponsesEvent& event);
  void on_response(const wire::ResponsesEvent& event);
  void on_terminal(const wire::ResponsesEvent& event, std::string_view status);
  void on_failed(const wire::ResponsesEvent& event);
  void reconcile(const wire::ResponsesEvent& event);

  // responses_items.cc: which item, and what is known of it.
  Item* find_by_id(std::string_view id);
  enum class Sign { piece, added, done };  // what is seen of an item
  Item* resolve(ItemType type, std::string_view id, std::int64_t index, Sign sign,
                std::string_view call_id = {});
  // `ids`: of all entries of the final output.
  Item* resolve_output(const wire::ResponsesItem& item, std::size_t position,
                       const std::unordered_set<std::string_view>& ids);
  Item* add_item(ItemType type, std::string_view id, std::int64_t index, Sign sign);
  std::size_t place_of(std::int64_t index) const;
  Part* part_of(Item& item, PartKind kind, std::int64_t index);
  bool is_current(const Item& item, const Part& part) const;
  bool keep(std::string& into, std::string_view bytes);
  void too_large();

  void on_piece(const wire::ResponsesEvent& event, ItemType type, PartKind kind,
                std::int64_t index);
  void on_whole(Item& item, PartKind kind, std::int64_t index, std::string_view raw,
                const wire::ResponsesEvent& event, wire::ChatRange annotations);
  void on_arguments(Item& item, std::string_view raw, bool is_json);
  void on_whole_arguments(Item& item, std::string_view raw, bool is_json);
  void take_members(Item& item, const wire::ResponsesItem& found);
  void take_done(Item& item, const wire::ResponsesItem& found, const wire::ResponsesEvent& event);
  void add_citation(Part& part, const wire::ChatAnnotation& annotation);

  // responses_show.cc: one after the other.
  bool shows(ItemType type) const;
  void advance();
  bool waits(const Item& item) const;
  bool may_be_cut(const Item& item) const;
  void end_text();
  void begin_item(Item& item);
  void show_item(Item& item);
  void show_parts(Item& item);
  void show_part(Item& item, Part& part, std::string_view raw);
  void show_cited(Item& item, Part& part, std::string_view raw);
  void begin_text(Item& item);
  void end_part(const Part& part);
  void show_call(Item& item);
  void pass_call(Item& item, std::string_view arguments);
  void end_item(Item& item);
  void settle_thinking(std::string_view phase);
  void part_messages(const Item& item);

  // responses_blocks.cc: items that become blocks when they are done.
  void take_search(Item& item, const wire::ResponsesItem& found, const wire::ResponsesEvent& event);
  void take_mcp_call(Item& item, const wire::ResponsesItem& found);
  void kept_blocks(const Item& item);
  void take_other(Item& item, const wire::ResponsesItem& found);
  std::string render_state(const Item& item, std::string_view phase, std::int64_t at) const;
  static std::string render_border(std::string_view before, std::string_view behind);

  wire::ResponsesParser& parser;
  std::vector<std::unique_ptr<Item>> items;
  std::size_t head = 0;  // the first item that has not ended
  std::size_t kept = 0;  // bytes that wait in items
  bool ending = false;   // no more items come
  bool said = false;     // some text was passed on, or a call
  // The reasoning item at the end of what was shown: its block is closed when it is known what
  // follows, since the phase of a message belongs to its state.
  Item* thinking = nullptr;
  Item* message = nullptr;          // the message at the end of what was shown
  std::vector<std::string> states;  // of all items, as signatures for the secondary store
  std::size_t state_bytes = 0;
  std::unordered_set<std::string> found_addresses;  // in results that the client has
  std::int64_t searches = 0;
  std::int64_t last_sequence = -1, sequence_before = -1;
  std::size_t last_event = 0;  // a hash
};

// A raw address without the mark that OpenAI adds to those in citations.
std::string plain_address(std::string_view url_raw);

}  // namespace clasp::translate

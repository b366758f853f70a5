// The conversation as the backend's messages: system text, turns, tool results, media
// (translation spec §2). Private to this room.
#pragma once

#include <string>

#include "core/translate/plan.h"
#include "core/translate/thinking.h"
#include "core/translate/translation.h"

namespace clasp::translate {

// Plans all messages. `extra_system` is text (raw) that goes behind the client's system prompt,
// empty for none. May set reply.prefill and add members for the whole body to `body_members`.
Plan plan_messages(Translation& t, const ReasoningPlan& reasoning, std::string_view extra_system,
                   std::string& body_members);

// The last turn is the assistant's: its message is the beginning of the answer. May add members
// for the whole body and set reply.prefill.
void finish_prefill(Translation& t, const ReasoningPlan& reasoning, Plan& plan,
                    std::string& body_members);

// Merges messages until user and assistant take turns.
void alternate(Plan& plan);

// The leading system text of the request alone (raw), as it identifies a conversation.
std::string system_identity(const wire::MessagesRequest& request);

// The newest effort that a system turn asks for, empty when none does.
std::string_view turn_effort(const wire::MessagesRequest& request);

// Keeps the last four cache hints of `slots` (tools, system, messages, in this order).
void limit_cache_hints(std::vector<std::string_view*>& slots);

// ,"cache_control":… for a client's hint.
void append_cache_control(std::string& out, std::string_view hint);

// The pieces of a text part, one behind the other.
void append_pieces(std::string& out, const Part& part);
// All texts of a message as one JSON string.
void append_joined(std::string& out, const PlannedMessage& message);
// ,"arguments":"…": a call's input as the JSON text that a JSON string holds. `spaces`: there may
// be white space between its tokens, which is left out.
void append_arguments(std::string& out, std::string_view input, bool spaces);

// Writes the messages array.
void append_messages(std::string& out, const Translation& t, const Plan& plan);

}  // namespace clasp::translate

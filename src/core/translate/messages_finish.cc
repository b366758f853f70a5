// The last touches on planned messages: an answer that was begun by the client, and templates that
// insist on taking turns.
#include "base/text.h"
#include "core/translate/billing.h"
#include "core/translate/messages.h"
#include "core/translate/responses_replay.h"

namespace clasp::translate {

using wire::Block;
using wire::BlockType;
using wire::Role;

namespace {

constexpr std::string_view kContinue =
    "Continue your last message exactly where it stops. Write only what comes next and repeat "
    "nothing of it.";

}  // namespace

// An assistant turn at the end is the beginning of the answer.
void finish_prefill(Translation& t, const ReasoningPlan& reasoning, Plan& plan,
                    std::string& body_members) {
  if (plan.messages.empty()) return;
  PlannedMessage& last = plan.messages.back();
  if (last.speaker != Speaker::assistant || !last.calls.empty() || !last.item.empty()) return;
  while (!last.parts.empty()) {
    Part& part = last.parts.back();
    part.raw = trim_end_raw(part.raw);
    if (!part.raw.empty() || !part.after.empty()) break;
    last.parts.pop_back();
  }
  if (last.parts.empty()) {
    plan.messages.pop_back();
    drop_followerless(plan.messages, 0);
    return;
  }
  Prefill mode = t.target.api == Api::chat ? t.dialect.prefill : Prefill::emulate;
  if (t.dialect.prefill_without_thinking && reasoning.on) mode = Prefill::emulate;
  switch (mode) {
    case Prefill::as_last:
      return;
    case Prefill::prefix:
      last.extra = t.keep(std::string(last.extra) + ",\"prefix\":true");
      return;
    case Prefill::continue_final:
      body_members += ",\"continue_final_message\":true,\"add_generation_prompt\":false";
      return;
    case Prefill::emulate:
      break;
  }
  std::string raw;
  for (const Part& part : last.parts) {
    if (!raw.empty()) raw.append(part.glue);
    raw.append(part.before).append(part.raw).append(part.after);
  }
  t.reply.prefill = decode_json_string(raw);
  t.warn("prefill-emulated", "messages." + std::to_string(t.request.messages.size() - 1));
  const bool as_system =
      t.dialect.mid_system == MidSystem::keep && t.profile.role != SystemRole::user;
  PlannedMessage& message = plan.messages.emplace_back();
  message.speaker = as_system ? Speaker::system : Speaker::user;
  message.parts.push_back(text_part(kContinue));
}

// For templates that insist on user and assistant taking turns.
void alternate(Plan& plan) {
  std::vector<PlannedMessage> merged;
  for (PlannedMessage& message : plan.messages) {
    const bool first_talk =
        merged.empty() || (merged.size() == 1 && merged[0].speaker == Speaker::system);
    if (first_talk && message.speaker == Speaker::assistant) {
      merged.emplace_back();
      merged.back().parts.push_back(text_part("(conversation continues)"));
    }
    const bool joins = !merged.empty() && merged.back().speaker == message.speaker &&
                       message.speaker != Speaker::tool && merged.back().calls.empty();
    if (!joins) {
      merged.push_back(std::move(message));
      continue;
    }
    PlannedMessage& last = merged.back();
    if (!message.parts.empty() && !last.parts.empty()) message.parts[0].glue = kBlankLineRaw;
    last.parts.insert(last.parts.end(), message.parts.begin(), message.parts.end());
    last.calls = std::move(message.calls);
    if (!message.extra.empty()) last.extra = message.extra;
  }
  plan.messages = std::move(merged);
}

std::string system_identity(const wire::MessagesRequest& request) {
  std::string out;
  for (const Block& block : request.system)
    if (block.type == BlockType::text) out.append(without_billing(block.text_raw)).push_back('\n');
  return out;
}

std::string_view turn_effort(const wire::MessagesRequest& request) {
  bool user_follows = false;
  for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message) {
    if (message->role == Role::user) user_follows = true;
    const bool cleared = message->clear_at_raw == "next_user_message" && user_follows;
    if (message->role == Role::system && !cleared && !message->effort_raw.empty())
      return message->effort_raw;
  }
  return {};
}

}  // namespace clasp::translate

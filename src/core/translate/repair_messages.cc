// Repairs of messages: roles and their order, media, and reasoning that must or must not go back.
#include "core/translate/repair_rules.h"

namespace clasp::translate::repair_rules {

Found change_system_role(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  const bool about_role = refusal.has("role") || refusal.has("template") ||
                          refusal.param.find("role") != std::string::npos;
  if (!about_role) return std::nullopt;
  if (refusal.has("developer") && current.system_role == SystemRole::developer)
    return repair_flag(12, "system_role", "system");
  const bool unknown = refusal.is_unsupported() || refusal.has("system role") ||
                       refusal.has("only user and assistant roles");
  if (refusal.has_any({"system", "only user and assistant roles"}) && unknown &&
      current.system_role != SystemRole::user)
    return repair_flag(12, "system_role", "user");
  return std::nullopt;
}

Found drop_media(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  const bool image = refusal.has_any(
      {"image_url", "image input", "images", "vision", "multimodal", "image content", "image(s)"});
  const bool none_taken = refusal.has("at most 0 image");
  if (image && current.images && (refusal.is_unsupported() || none_taken)) {
    Repair repair = repair_flag(13, "images", "false");
    repair.flags.emplace_back("image_urls", "false");
    return repair;
  }
  const bool file = refusal.has_any({"'file'", "\"file\"", "`file`", "file input", "pdf"});
  if (file && current.pdf_files && refusal.is_unsupported())
    return repair_flag(13, "pdf_files", "false");
  return std::nullopt;
}

// Row 17, and its reverse: the older reasoners refuse what the newer ones insist on.
Found replay_reasoning(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  if (!refusal.has_any({"reasoning_content", "'reasoning'", "\"reasoning\""})) return std::nullopt;
  if (refusal.has("reasoning_content") && !current.replay_on_calls &&
      refusal.has_any(
          {"must be passed", "missing", "required", "must be provided", "passed back"})) {
    Repair repair = repair_flag(17, "replay", "reasoning_content");
    repair.flags.emplace_back("replay_on_calls", "true");
    return repair;
  }
  const bool in_messages = refusal.has("message") || refusal.param.starts_with("messages");
  const bool unwanted =
      refusal.has("remove the reasoning_content") || (in_messages && refusal.is_unsupported());
  if (!unwanted || current.replay == ReasoningReplay::none) return std::nullopt;
  Repair repair = repair_flag(17, "replay", "none");
  repair.flags.emplace_back("replay_on_calls", "false");
  return repair;
}

Found bypass_signature(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  if (!refusal.has_any({"thought_signature", "thought signature"}) ||
      current.replay == ReasoningReplay::gemini)
    return std::nullopt;
  return repair_flag(19, "replay", "gemini");
}

// Servers and chat templates that insist on an order of roles, in their own words.
Found alternate_roles(const Refusal& refusal, const Dialect& current, const Adjustments&) {
  const bool order =
      refusal.has_any({"must alternate", "alternate user/assistant", "expected last role",
                       "after role", "must be a response to a prece", "must be followed by tool",
                       "not the same number of function calls"}) ||
      (refusal.has("unexpected role") && !refusal.has("developer")) ||
      refusal.names.find("invalid_request_message_order") != std::string::npos;
  // Mistral's family wants the assistant, not the user, to speak after a tool.
  const bool tool = refusal.has("after role 'tool'") || refusal.has("after role \"tool\"") ||
                    refusal.has("after role tool") || refusal.has("tool calls and results");
  if (!order) return std::nullopt;
  if (current.strict_alternation && (!tool || current.no_user_after_tool)) return std::nullopt;
  Repair repair = repair_flag(21, "strict_alternation", "true");
  repair.flags.emplace_back("mid_system", "fold");
  if (tool) repair.flags.emplace_back("no_user_after_tool", "true");
  return repair;
}

}  // namespace clasp::translate::repair_rules

// Repairs of the choice between the two APIs, and of reasoning that travels as sealed items
// (translation spec §6.5, rows 5, 15 and 18).
#include "core/translate/repair_rules.h"

namespace clasp::translate::repair_rules {

namespace {

// The id that stands behind one of these openings, to the end of its word.
std::string id_after(const Refusal& refusal, std::initializer_list<std::string_view> openings) {
  for (const std::string_view opening : openings) {
    const std::size_t at = refusal.text.find(opening);
    if (at == std::string::npos) continue;
    const std::size_t from = at + opening.size();
    std::size_t end = from;
    const auto is_id = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    while (end < refusal.text.size() && is_id(refusal.text[end])) ++end;
    if (end > from) return refusal.text.substr(from, end - from);
  }
  return {};
}

bool wants_responses(const Refusal& refusal) {
  const bool there = refusal.has_any({"v1/responses", "responses api", "responses endpoint"});
  const bool not_here = refusal.has_any(
      {"only supported in", "not supported", "use ", "unsupported", "only available"});
  return refusal.has("not a chat model") ||
         (refusal.has("function tools") && refusal.has("reasoning_effort")) || (there && not_here);
}

// It is the model that is missing, not the endpoint.
bool is_about_model(const Refusal& refusal) {
  return refusal.names.find("model_not_found") != std::string::npos ||
         refusal.names.find("deploymentnotfound") != std::string::npos ||
         (refusal.has("model") &&
          refusal.has_any({"does not exist", "not exist", "not found", "do not have access"}));
}

bool lacks_responses(const Refusal& refusal) {
  if (refusal.has_any({"only supported in v1/chat/completions", "not in v1/responses",
                       "not supported in the v1/responses", "not supported with the responses api",
                       "not supported by the responses api", "does not support the responses api",
                       "unexpected endpoint"}))
    return true;
  const bool unknown_path = refusal.status == 404 || refusal.status == 405 || refusal.status == 501;
  return unknown_path && !is_about_model(refusal);
}

}  // namespace

// Row 5: from one API to the other. Where the other one is known to be missing too, later rows
// try to do without what it is for.
Found change_api(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted) {
  Repair repair;
  repair.number = 5;
  if (refusal.api == Api::responses) {
    if (adjusted.no_responses || !lacks_responses(refusal)) return std::nullopt;
    repair.adjustments.no_responses = true;
    return repair;
  }
  const bool possible =
      current.responses != ResponsesUse::never && !adjusted.no_responses && !adjusted.use_responses;
  if (!possible || !wants_responses(refusal)) return std::nullopt;
  repair.adjustments.use_responses = true;
  return repair;
}

// Row 15: what is sealed can only be read by who sealed it, and for as long as that lasts.
Found drop_items(const Refusal& refusal, const Dialect& current, const Adjustments& adjusted) {
  if (refusal.api != Api::responses || current.replay != ReasoningReplay::items)
    return std::nullopt;
  Repair repair;
  repair.number = 15;
  repair.lasting = false;  // it is about this conversation
  const bool sealed = refusal.has("encrypted content") || refusal.has("encrypted_content");
  const bool broken = refusal.names.find("invalid_encrypted_content") != std::string::npos ||
                      (sealed && refusal.has_any({"could not be verified", "could not be decrypted",
                                                  "could not be parsed", "invalid", "failed to"}));
  if (broken) {
    if (adjusted.drop_reasoning == "*") return std::nullopt;
    const std::string id = id_after(
        refusal, {"encrypted content for item '", "encrypted content for item ", "item with id '"});
    repair.adjustments.drop_reasoning = id.empty() || !adjusted.drop_reasoning.empty() ? "*" : id;
    return repair;
  }
  if (refusal.has("required following item")) {
    const std::string id = id_after(refusal, {"item '", "item "});
    if (!adjusted.drop_item.empty() || id.empty()) {
      if (adjusted.drop_reasoning == "*") return std::nullopt;
      repair.adjustments.drop_reasoning = "*";
    } else {
      repair.adjustments.drop_item = id;
    }
    return repair;
  }
  const bool unknown_id = refusal.has("item") && refusal.has("not found") &&
                          refusal.has_any({"item with id", "items are not persisted"});
  if (unknown_id && !adjusted.no_item_ids) {
    repair.lasting = true;
    repair.adjustments.no_item_ids = true;
    return repair;
  }
  const bool unknown_item = refusal.param.starts_with("input") && refusal.quotes("reasoning") &&
                            (refusal.is_unsupported() || refusal.has("invalid value"));
  if (unknown_item) return repair_flag(15, "replay", "none");
  return std::nullopt;
}

// Row 18: summaries are for organisations that proved who they are.
Found drop_summary(const Refusal& refusal, const Dialect&, const Adjustments& adjusted) {
  if (refusal.api != Api::responses || adjusted.no_summary) return std::nullopt;
  const bool about = refusal.param == "reasoning.summary" || refusal.has("reasoning.summary") ||
                     refusal.has("reasoning summar");
  const bool refused =
      refusal.has("must be verified") || refusal.is_unsupported() || refusal.has("invalid value");
  if (!about || !refused) return std::nullopt;
  Repair repair;
  repair.number = 18;
  repair.adjustments.no_summary = true;
  return repair;
}

}  // namespace clasp::translate::repair_rules

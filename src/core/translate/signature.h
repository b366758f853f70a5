// The signature of our thinking blocks: what a backend needs back to go on with its reasoning,
// packed into one opaque string that the client returns with the conversation (spec §2.5).
//   clasp1.<base64url of a JSON object>.<CRC-32 of that JSON, 8 hex digits>
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace clasp::translate {

struct SignatureState {
  std::string dialect;  // d: name of the dialect row
  std::string backend;  // b: ReplyContext::backend_hash
  std::string model;    // m: the backend's name of the model
  // k: r one Responses reasoning item, o reasoning_details, g gemini thought signatures,
  // t the reasoning is text, n nothing to send back.
  char kind = 'n';
  // s: one JSON value. r {"id","ec","phase"?,"prior"?,"type"?,"at"?}: "type" is there when the item
  // is no reasoning ("compaction"), "prior" when there is no item but two messages side by side, of
  // which this was the phase of the first, "at" only in the secondary store: how many of the
  // reply's calls stood in front of it; o the array of reasoning_details; g an object of tool_use
  // id, as the client sees it, or "text" -> thought_signature; t {} when the thinking block shows
  // the text, {"text":…} when it does not; n {}.
  std::string state_json = "{}";
};

// state_json must be valid JSON. Never empty.
std::string encode_signature(const SignatureState& state);

// Nothing when the string is not ours or was damaged.
std::optional<SignatureState> decode_signature(std::string_view signature);

// True for anything that claims to be ours, damaged or not.
bool is_own_signature(std::string_view signature);

}  // namespace clasp::translate

// See api_choice.h. Names of models say most; some features of a request exist on one API only.
#include "core/translate/api_choice.h"

#include <algorithm>

#include "base/text.h"
#include "core/translate/builtin_tools.h"
#include "core/translate/family.h"
#include "core/translate/signature.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;

constexpr int kToolsNeedMajor = 5, kToolsNeedMinor = 4;  // gpt-5.4 and later

std::string last_component(std::string_view model) {
  const std::size_t slash = model.rfind('/');
  return to_lower(slash == std::string_view::npos ? model : model.substr(slash + 1));
}

// The leading number of `text`, taken away from it; -1 when there is none.
int take_number(std::string_view& text) {
  int number = -1;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9' && number < 1000) {
    number = std::max(number, 0) * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  return number;
}

// "gpt-5.4-mini" -> at least 5.4.
bool is_late_gpt(std::string_view name) {
  constexpr std::string_view kPrefix = "gpt-";
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  const int major = take_number(name);
  int minor = 0;
  if (name.starts_with('.')) {
    name.remove_prefix(1);
    minor = take_number(name);
  }
  return major > kToolsNeedMajor || (major == kToolsNeedMajor && minor >= kToolsNeedMinor);
}

bool is_openai_reasoner(std::string_view name) {
  return name.starts_with("gpt-") || name.starts_with("o1") || name.starts_with("o3") ||
         name.starts_with("o4");
}

bool is_search_model(std::string_view model) {
  return last_component(model).find("-search-") != std::string::npos;
}

// A server of this list is to be used.
bool names_mcp_servers(const wire::MessagesRequest& request) {
  if (request.mcp_servers_json.empty()) return false;
  wire::JsonReader reader(request.mcp_servers_json);
  wire::JsonReader::Items items(reader);
  std::string_view server;
  while (items.next() && reader.skip(server)) {
    const auto config = wire::json_member(server, "tool_configuration");
    const bool off = wire::json_member(server, "enabled").value_or("") == "false" ||
                     (config && wire::json_member(*config, "enabled").value_or("") == "false");
    if (!off) return true;
  }
  return false;
}

bool has_server_tools(const wire::MessagesRequest& request) {
  return std::any_of(request.tools.begin(), request.tools.end(), [](const wire::Tool& tool) {
    const ToolKind kind = tool_kind(tool.type_raw);
    return kind == ToolKind::web_search || kind == ToolKind::mcp;
  });
}

bool is_remote_pdf(const Block& block) {
  return block.type == BlockType::document && block.source_type_raw == "url";
}

// Reasoning of this backend's own that only Responses takes back.
bool carries_state(const Block& block, const Target& target) {
  if (block.type != BlockType::thinking && block.type != BlockType::redacted_thinking) return false;
  if (!is_own_signature(block.signature_raw)) return false;
  const auto state = decode_signature(decode_json_string(block.signature_raw));
  return state && state->kind == 'r' && state->backend == target.base_url_hash;
}

bool has_needy_block(const wire::MessagesRequest& request, const Target& target, bool reasons) {
  const auto remote = [](const Block& block) { return is_remote_pdf(block); };
  if (std::any_of(request.blocks.begin(), request.blocks.end(), remote) ||
      std::any_of(request.children.begin(), request.children.end(), remote))
    return true;
  // The newest turn is the likeliest to have one.
  return reasons && std::any_of(request.blocks.rbegin(), request.blocks.rend(),
                                [&](const Block& block) { return carries_state(block, target); });
}

bool request_needs_it(const wire::MessagesRequest& request, const Target& target) {
  const Profile profile = make_profile(*target.dialect, target.model);
  if (has_server_tools(request) || names_mcp_servers(request)) return true;
  if (request.max_tokens == 0 && profile.cache_breakpoints) return true;
  return has_needy_block(request, target, !profile.no_reasoning);
}

}  // namespace

bool needs_responses(std::string_view model) {
  const std::string name = last_component(model);
  const auto has = [&name](std::string_view part) { return name.find(part) != std::string::npos; };
  if (name.starts_with("gpt-oss") || has("-search-")) return false;
  if (name.starts_with("codex-")) return true;
  if (!is_openai_reasoner(name)) return false;
  if (has("-codex") || has("-deep-research")) return true;
  if (name.ends_with("-pro") || has("-pro-")) return true;
  // Models for conversation do not think: nothing is refused to them.
  return is_late_gpt(name) && !has("-chat");
}

bool returns_phase(std::string_view model) {
  const std::string name = last_component(model);
  return name.starts_with("gpt-5.3-codex") ||
         (is_late_gpt(name) && name.find("-chat") == std::string::npos);
}

Api choose_api(const wire::MessagesRequest& request, const Target& target) {
  const Dialect& dialect = *target.dialect;
  if (dialect.relay || dialect.responses == ResponsesUse::never) return Api::chat;
  if (const Adjustments* learned = target.adjustments) {
    if (learned->no_responses) return Api::chat;
    if (learned->use_responses) return Api::responses;
  }
  if (dialect.responses == ResponsesUse::always) return Api::responses;
  if (dialect.responses == ResponsesUse::if_told || is_search_model(target.model)) return Api::chat;
  return needs_responses(target.model) || request_needs_it(request, target) ? Api::responses
                                                                            : Api::chat;
}

Dialect responses_dialect(const Dialect& row) {
  Dialect d = row;
  const bool own = d.openai_families;  // OpenAI's own, with everything that its reference promises
  d.cap = CapField::max_completion_tokens;
  d.mid_system = MidSystem::keep;
  d.tool_choice = ToolChoice::all;
  d.parallel_tool_calls = true;
  d.replay = ReasoningReplay::items;
  d.replay_on_calls = false;
  d.json_output = JsonOutput::json_schema;
  d.plain_schema_output = false;
  d.max_stop = 0;
  d.hide_stop = false;
  d.top_k = false;
  d.max_tool_id = 64;
  d.max_calls = 0;
  d.tool_parts = d.tool_files = own || d.pdf_urls;
  d.pdf_urls = d.pdf_files;
  d.cache_control = false;
  d.strict_alternation = false;
  d.prefill = Prefill::emulate;
  d.beta_prefix = false;
  d.web_search = own ? WebSearch::native : WebSearch::none;
  d.mcp = d.phase = own;
  d.no_transforms = false;
  if (d.reasoning == ReasoningRequest::none || d.reasoning == ReasoningRequest::template_kwargs) {
    d.any_effort = true;
    d.reasoning = ReasoningRequest::effort;
  } else if (d.reasoning != ReasoningRequest::object) {
    d.reasoning = ReasoningRequest::effort;
  }
  return d;
}

}  // namespace clasp::translate

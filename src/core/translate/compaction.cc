// See compaction.h. The conversation stays as it is, tools included, so that the backend finds it
// in its prefix cache; only the instruction comes behind it.
#include "core/translate/compaction.h"

#include <string>

#include "core/translate/translation.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

// The inside of a JSON string.
constexpr std::string_view kInstructions =
    "Write a summary of this conversation. The summary will take the conversation's place: whoever "
    "goes on with the work will know nothing but your text, so it must hold all that is still "
    "needed. Cover, as far as it occurred:\\n"
    "- what the user wants, with every requirement, preference and limit, in the user's own words "
    "where the wording matters;\\n"
    "- what was done, found out and decided, and why;\\n"
    "- files, commands, names, numbers, identifiers and pieces of code that will be needed again, "
    "exactly as they are;\\n"
    "- what went wrong, and what helped or did not help;\\n"
    "- where the work stands now, and which steps are still open.\\n"
    "Do not call tools, do not answer the conversation and do not go on with it. Write the summary "
    "only, without an introduction.";

wire::ApiError refuse(std::string_view path, std::string_view problem) {
  return wire::refuse_request(std::string(path).append(": ").append(problem));
}

}  // namespace

Result<wire::MessagesRequest, wire::ApiError> compaction_request(
    const wire::MessagesRequest& request) {
  const std::string_view with = "cannot be combined with compaction";
  const std::string_view config = request.compaction_json;
  if (wire::json_string_member(config, "type") != "summarize")
    return tl::unexpected(refuse("compaction.type", "Input should be 'summarize'"));
  if (!request.context_management_json.empty())
    return tl::unexpected(refuse("context_management", with));
  if (!request.stop_sequences.empty()) return tl::unexpected(refuse("stop_sequences", with));
  if (!request.output_format_json.empty())
    return tl::unexpected(refuse("output_config.format", with));
  if (request.tool_choice == wire::ToolChoiceKind::any ||
      request.tool_choice == wire::ToolChoiceKind::tool)
    return tl::unexpected(refuse("tool_choice", with));
  if (request.max_tokens == 0)
    return tl::unexpected(refuse("max_tokens", "0 " + std::string(with)));
  const auto given = wire::json_member(config, "instructions");
  if (given && *given != "null" && !wire::json_string(*given))
    return tl::unexpected(refuse("compaction.instructions", "Input should be a valid string"));
  std::string_view instructions = wire::json_string_member(config, "instructions");
  if (is_blank_raw(instructions)) instructions = kInstructions;

  wire::MessagesRequest summary = request;
  wire::Block block;
  block.type = wire::BlockType::text;
  block.type_raw = "text";
  block.text_raw = instructions;
  block.has_text = true;
  wire::Message message;
  message.role = wire::Role::user;
  message.first_block = static_cast<std::uint32_t>(summary.blocks.size());
  message.end_block = message.first_block + 1;
  summary.blocks.push_back(block);
  summary.messages.push_back(message);
  summary.tool_choice = wire::ToolChoiceKind::none;
  return summary;
}

}  // namespace clasp::translate

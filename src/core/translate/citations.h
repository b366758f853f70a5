// Web citations of a backend as citation objects of Anthropic text blocks (translation spec
// §4.3.3). Used only when the client asked for a web search.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/translate/reply_context.h"
#include "core/wire/openai_chat.h"

namespace clasp::translate {

// One web_search_result_location. `cited` is decoded text, shortened here.
std::string render_citation(const ReplyContext& context, std::string_view url_raw,
                            std::string_view title_raw, std::string_view cited);

// A piece of text and the citations that belong to its end.
struct CitedPiece {
  std::string text;  // decoded
  std::vector<std::string> citations;
};

// Splits `text` where cited spans end. A citation with impossible offsets goes to the last piece.
std::vector<CitedPiece> split_by_citations(const ReplyContext& context, std::string_view text,
                                           const std::vector<wire::ChatAnnotation>& annotations);

// How ids of searches begin that this proxy made up for a backend's; such blocks are not sent back.
inline constexpr std::string_view kOwnSearch = "srvtoolu_clasp";

struct WebSource {
  std::string url_raw, title_raw;  // insides of JSON strings
};

// The addresses of a `citations` member: strings, or objects with a url.
std::vector<WebSource> read_source_list(std::string_view json);

// What an answer's citations point to, each address once. Clients that show where an answer comes
// from look for search results, not for citations.
class WebSources {
 public:
  void add(std::string_view url_raw, std::string_view title_raw);
  bool empty() const { return sources_.empty(); }
  // A search that has found them: server_tool_use and web_search_tool_result, whole blocks.
  std::vector<std::string> render_blocks(const ReplyContext& context, std::string_view id) const;

 private:
  std::vector<WebSource> sources_;
  std::unordered_set<std::string> addresses_;
};

}  // namespace clasp::translate

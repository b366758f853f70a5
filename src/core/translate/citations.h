// Web citations of a backend as citation objects of Anthropic text blocks (translation spec
// §4.3.3). Used only when the client asked for a web search.
#pragma once

#include <string>
#include <string_view>
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

// The addresses of a `citations` member: strings, or objects with a url.
std::vector<std::string> render_citation_list(const ReplyContext& context, std::string_view json);

}  // namespace clasp::translate

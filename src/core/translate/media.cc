// See media.h. Only user turns are looked at: media of the assistant become words anyway.
#include "core/translate/media.h"

#include "core/translate/content.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;

class Planner {
 public:
  Planner(const Target& target, PreparedMedia& media) : target_(target), media_(media) {}

  void add(const Block& block) {
    if (block.type != BlockType::image && block.type != BlockType::document) return;
    if (block.type == BlockType::document && block.source_type_raw == "content") {
      for (const Block& part : wire::parse_content_blocks(block.content_json))
        if (part.type == BlockType::image) add(part);
      return;
    }
    const auto want = wanted_medium(block, target_, media_.abilities);
    if (!want) return;
    const MediaNeed need{*want, block.data_raw};
    if (!media_.announce(need)) return;
    if (media_.size() > kMostMedia) {
      media_.put(need, failed_medium("the request holds too many such things"));
    } else {
      needs.push_back(need);
    }
  }

  // What stands in a tool result; results in it have media of their own.
  void add_content(const Block& part, int depth) {
    if (part.type != BlockType::tool_result) return add(part);
    if (depth >= kMostNestedResults) return;
    for (const Block& inner : wire::parse_content_blocks(part.content_json))
      add_content(inner, depth + 1);
  }

  std::vector<MediaNeed> needs;

 private:
  const Target& target_;
  PreparedMedia& media_;
};

}  // namespace

MediumPtr failed_medium(std::string problem) {
  return std::make_shared<const Medium>(Medium{.problem = std::move(problem)});
}

bool PreparedMedia::announce(const MediaNeed& need) {
  return media_.try_emplace({need.want, need.raw}).second;
}

void PreparedMedia::put(const MediaNeed& need, MediumPtr medium) {
  media_[{need.want, need.raw}] = std::move(medium);
}

const Medium* PreparedMedia::find(const MediaNeed& need) const {
  const auto found = media_.find({need.want, need.raw});
  return found == media_.end() ? nullptr : found->second.get();
}

std::optional<MediaWant> wanted_medium(const Block& block, const Target& target,
                                       const MediaAbilities& able) {
  const Dialect& dialect = *target.dialect;
  if (block.data_raw.empty()) return std::nullopt;
  const bool by_url = block.source_type_raw == "url";
  if (block.type == BlockType::image) {
    const bool data_only = target.vision && dialect.images && !dialect.image_urls;
    return by_url && data_only && able.fetch ? std::optional(MediaWant::image) : std::nullopt;
  }
  if (block.type != BlockType::document) return std::nullopt;
  const bool files = target.vision && dialect.pdf_files;
  if (block.source_type_raw == "base64") {
    const bool is_pdf =
        block.media_type_raw.empty() || wire::raw_equals(block.media_type_raw, "application/pdf");
    return is_pdf && !files && able.pdf_text ? std::optional(MediaWant::pdf_text) : std::nullopt;
  }
  if (!by_url || !able.fetch || (target.vision && dialect.pdf_urls)) return std::nullopt;
  if (files) return MediaWant::pdf;
  return able.pdf_text ? std::optional(MediaWant::remote_pdf_text) : std::nullopt;
}

std::vector<MediaNeed> plan_media(const wire::MessagesRequest& request, const Target& target,
                                  PreparedMedia& media) {
  Planner planner(target, media);
  for (const wire::Message& message : request.messages) {
    if (message.role != wire::Role::user) continue;
    for (std::uint32_t i = message.first_block; i < message.end_block; ++i) {
      const Block& block = request.blocks[i];
      planner.add(block);
      for (std::uint32_t child = block.first_child; child < block.end_child; ++child)
        planner.add_content(request.children[child], 0);
    }
  }
  return std::move(planner.needs);
}

}  // namespace clasp::translate

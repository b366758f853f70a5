// Media that a backend cannot take as the client sent them, but could take in another form:
// pictures and PDFs by URL where only data is taken, PDFs where only text is read (translation spec
// §2.3). Decides what has to be prepared and keeps what came of it; the preparing itself is a
// port's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/translate/target.h"
#include "core/wire/anthropic_request.h"

namespace clasp::translate {

enum class MediaWant : std::uint8_t {
  image,            // a URL -> data of a picture
  pdf,              // a URL -> data of a PDF
  pdf_text,         // data of a PDF -> its text
  remote_pdf_text,  // a URL -> the text of the PDF there
};

// What the daemon is able and allowed to do.
struct MediaAbilities {
  bool fetch = false;
  bool pdf_text = false;
};

struct MediaNeed {
  MediaWant want = MediaWant::image;
  std::string_view raw;  // the source's URL or base64 as it stood in the client's JSON
};

// What came of a need. Immutable and shared: conversations repeat their media every turn.
struct Medium {
  enum class State : std::uint8_t { ready, failed, no_text };
  State state = State::failed;
  std::string raw = {};              // base64 or text, as the inside of a JSON string
  std::string_view media_type = {};  // "image/png"; empty for text
  bool cut = false;                  // the text was longer
  std::string problem = {};          // why it failed, in words for the client
};
using MediumPtr = std::shared_ptr<const Medium>;

MediumPtr failed_medium(std::string problem);

inline constexpr std::size_t kMostMedia = 100;  // prepared for one request

class PreparedMedia {
 public:
  MediaAbilities abilities;

  // Takes note that it is wanted; false when it was known already.
  bool announce(const MediaNeed& need);
  void put(const MediaNeed& need, MediumPtr medium);
  const Medium* find(const MediaNeed& need) const;
  std::size_t size() const { return media_.size(); }
  void clear() { media_.clear(); }

 private:
  std::map<std::pair<MediaWant, std::string_view>, MediumPtr> media_;
};

// What this block needs before it can go to the target; nothing when it can go as it is, or when
// nothing helps.
std::optional<MediaWant> wanted_medium(const wire::Block& block, const Target& target,
                                       const MediaAbilities& able);

// Everything that the request needs and `media` does not know yet, in the order of the
// conversation, each thing once. The views live as long as the client's body.
std::vector<MediaNeed> plan_media(const wire::MessagesRequest& request, const Target& target,
                                  PreparedMedia& media);

}  // namespace clasp::translate

// Reading the first bytes of media files. Never trusts a length it finds.
#include "core/translate/media_size.h"

#include <algorithm>
#include <string>

#include "core/wire/media_bytes.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kHeaderChars = 16 * 1024;  // JPEG may carry a thumbnail before its size
constexpr std::size_t kMaxPdfChars = 4 << 20;
constexpr std::int64_t kMaxSide = 100'000;

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  std::size_t size() const { return bytes_.size(); }
  std::int64_t at(std::size_t i) const {
    return i < bytes_.size() ? static_cast<unsigned char>(bytes_[i]) : 0;
  }
  std::int64_t big16(std::size_t i) const { return at(i) << 8 | at(i + 1); }
  std::int64_t big32(std::size_t i) const { return big16(i) << 16 | big16(i + 2); }
  std::int64_t little16(std::size_t i) const { return at(i) | at(i + 1) << 8; }
  std::int64_t little24(std::size_t i) const { return little16(i) | at(i + 2) << 16; }
  bool has(std::size_t i, std::string_view text) const {
    return bytes_.substr(std::min(i, bytes_.size()), text.size()) == text;
  }

 private:
  std::string_view bytes_;
};

std::optional<ImageSize> jpeg_size(const Bytes& b) {
  std::size_t i = 2;
  while (i + 9 < b.size()) {
    if (b.at(i) != 0xFF) return std::nullopt;
    const std::int64_t marker = b.at(i + 1);
    if (marker == 0xFF) {
      ++i;
      continue;
    }
    const bool frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) return ImageSize{b.big16(i + 7), b.big16(i + 5)};
    i += 2 + static_cast<std::size_t>(std::max<std::int64_t>(b.big16(i + 2), 2));
  }
  return std::nullopt;
}

std::optional<ImageSize> webp_size(const Bytes& b) {
  if (b.has(12, "VP8X")) return ImageSize{b.little24(24) + 1, b.little24(27) + 1};
  if (b.has(12, "VP8 ")) return ImageSize{b.little16(26) & 0x3FFF, b.little16(28) & 0x3FFF};
  if (b.has(12, "VP8L")) {
    const std::int64_t bits = b.little16(21) | b.little16(23) << 16;
    return ImageSize{(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1};
  }
  return std::nullopt;
}

}  // namespace

std::optional<ImageSize> image_size(std::string_view base64) {
  const std::string head = wire::base64_prefix(base64.substr(0, 48));
  std::optional<ImageSize> size;
  if (head.starts_with("\x89PNG"))
    size = ImageSize{Bytes(head).big32(16), Bytes(head).big32(20)};
  else if (head.starts_with("GIF8"))
    size = ImageSize{Bytes(head).little16(6), Bytes(head).little16(8)};
  else if (head.starts_with("RIFF"))
    size = webp_size(Bytes(head));
  else if (head.starts_with("\xFF\xD8"))
    size = jpeg_size(Bytes(wire::base64_prefix(base64.substr(0, kHeaderChars))));
  if (!size || size->width <= 0 || size->height <= 0) return std::nullopt;
  size->width = std::min(size->width, kMaxSide);
  size->height = std::min(size->height, kMaxSide);
  return size;
}

std::int64_t pdf_pages(std::string_view base64) {
  if (base64.size() > kMaxPdfChars) return 0;
  const std::string bytes = wire::base64_prefix(base64);
  std::int64_t pages = 0;
  for (std::size_t at = bytes.find("/Type"); at != std::string::npos;
       at = bytes.find("/Type", at + 5)) {
    std::size_t i = at + 5;
    while (i < bytes.size() && (bytes[i] == ' ' || bytes[i] == '\n' || bytes[i] == '\r')) ++i;
    const bool page = bytes.compare(i, 5, "/Page") == 0;
    if (page && (i + 5 >= bytes.size() || bytes[i + 5] != 's')) ++pages;
  }
  return pages;
}

}  // namespace clasp::translate

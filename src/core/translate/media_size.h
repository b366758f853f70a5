// Sizes of pictures and PDFs, read from as little base64 as possible. For estimates only: a wrong
// answer costs nothing but accuracy.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace clasp::translate {

struct ImageSize {
  std::int64_t width = 0, height = 0;
};

// PNG, JPEG, GIF, WebP. Nothing when the header is not understood.
std::optional<ImageSize> image_size(std::string_view base64);

// Number of pages that are listed in clear; 0 when none are or the file is large.
std::int64_t pdf_pages(std::string_view base64);

}  // namespace clasp::translate

#include "core/wire/media_bytes.h"

#include <doctest/doctest.h>

using namespace clasp::wire;
using namespace std::string_literals;

TEST_CASE("media: told by their first bytes, whatever their server calls them") {
  CHECK(sniff_media("\xFF\xD8\xFF\xE0"s) == MediaType::jpeg);
  CHECK(sniff_media("\x89PNG\r\n\x1A\n...."s) == MediaType::png);
  CHECK(sniff_media("GIF87a"s) == MediaType::gif);
  CHECK(sniff_media("GIF89a..."s) == MediaType::gif);
  CHECK(sniff_media("RIFF\0\0\0\0WEBPVP8 "s) == MediaType::webp);
  CHECK(sniff_media("%PDF-1.7\n"s) == MediaType::pdf);
  CHECK(sniff_media(std::string(1019, ' ') + "%PDF-1.7") == MediaType::pdf);
  CHECK(sniff_media(std::string(1020, ' ') + "%PDF-1.7") == MediaType::unknown);
  for (const std::string& other : {""s, "<html>"s, "\xFF\xD8"s, "\x89PNG"s, "GIF88a"s, "RIFF"s,
                                   "RIFF\0\0\0\0WAVE"s, "<svg xmlns="s, "BM"s, "II*\0"s, "%PD"s})
    CHECK_MESSAGE(sniff_media(other) == MediaType::unknown, other);
  CHECK(render_media_type(MediaType::jpeg) == "image/jpeg");
  CHECK(render_media_type(MediaType::png) == "image/png");
  CHECK(render_media_type(MediaType::gif) == "image/gif");
  CHECK(render_media_type(MediaType::webp) == "image/webp");
  CHECK(render_media_type(MediaType::pdf) == "application/pdf");
  CHECK(is_image(MediaType::webp));
  CHECK(!is_image(MediaType::pdf));
  CHECK(!is_image(MediaType::unknown));
}

TEST_CASE("base64 there and back, and as clients write it") {
  for (const std::string& bytes : {""s, "f"s, "fo"s, "foo"s, "foob"s, "\0\xFF\x80"s}) {
    const std::string text = base64_encode(bytes);
    CHECK(text.size() % 4 == 0);
    CHECK(base64_decode(text) == bytes);
  }
  CHECK(base64_encode("foob") == "Zm9vYg==");
  CHECK(base64_decode("Zm9v\nYg") == "foob");
  CHECK(base64_decode("Zm9vYg = =") == "foob");
  CHECK(!base64_decode("Zm9v-g=="));
  CHECK(!base64_decode("Zg==Zg=="));
}

TEST_CASE("text of a document: valid, readable, bounded") {
  CHECK(clean_document_text("one\ntwo\n\n\n\n\x0Cthree\n\x0C", 100).text == "one\ntwo\n\nthree");
  CHECK(clean_document_text("a\xFF"
                            "b",
                            100)
            .text ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(clean_document_text("a\0b\x1B[1m\tc\x7F"s, 100).text == "ab[1m\tc");
  CHECK(clean_document_text(" \n\x0C \n", 100).text.empty());
  CHECK(clean_document_text("  indented\n", 100).text == "  indented");
  CHECK(!clean_document_text("abc", 3).cut);
  const auto cut = clean_document_text("ab\xC3\xA4", 3);
  CHECK(cut.cut);
  CHECK(cut.text == "ab");
}

// A PDF of one page, written by hand, for the tests of what reads such things.
#pragma once

#include <string>
#include <vector>

namespace clasp::daemon::test {

// `text` holds no brackets; without text the page is empty, as a scan's is.
inline std::string make_pdf(const std::string& text) {
  const std::string content = text.empty() ? "" : "BT /F1 24 Tf 72 720 Td (" + text + ") Tj ET";
  const std::vector<std::string> objects = {
      "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
      "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
      "/Resources<</Font<</F1 5 0 R>>>>>>",
      "<</Length " + std::to_string(content.size()) + ">>\nstream\n" + content + "\nendstream",
      "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"};
  std::string out = "%PDF-1.4\n", table = "xref\n0 6\n0000000000 65535 f \n";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const std::string at = std::to_string(out.size());
    table += std::string(10 - at.size(), '0') + at + " 00000 n \n";
    out += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const std::string start = std::to_string(out.size());
  return out + table + "trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n" + start + "\n%%EOF\n";
}

}  // namespace clasp::daemon::test

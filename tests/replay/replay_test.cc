// Plays every scenario under tests/replay/scenarios (run from the top of the tree).
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "stage.h"

TEST_CASE("replay scenarios") {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("tests/replay/scenarios"))
    if (entry.path().extension() == ".scn") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 10);
  for (const std::string& file : files) {
    SUBCASE(file.c_str()) {
      const auto problem = clasp::test::play_scenario(file);
      const std::string text = problem.value_or("");
      CHECK_MESSAGE(!problem.has_value(), file << ": " << text);
    }
  }
}

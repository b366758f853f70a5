// See top.h.
#include "ctl/top.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>

#include "base/text.h"
#include "ctl/remote.h"
#include "ctl/top_app.h"
#include "ctl/top_data.h"
#include "ctl/top_view.h"

namespace clasp::ctl {

namespace {

struct Wishes {
  double interval = 2;    // seconds
  std::size_t count = 0;  // 0: without end
};

Result<Wishes> read_wishes(const Call& call) {
  constexpr double kLeast = 0.1, kMost = 3600;
  constexpr std::uint64_t kMostCount = 1'000'000'000;
  Wishes out;
  for (const auto& [name, value] : call.own) {
    if (name == "--interval") {
      const auto end = value.data() + value.size();
      const auto read = std::from_chars(value.data(), end, out.interval);
      if (read.ec != std::errc() || read.ptr != end || !(out.interval >= kLeast) ||
          !(out.interval <= kMost))
        return fail("--interval takes seconds, 0.1 to 3600");
    } else if (name == "--count") {
      const auto number = parse_unsigned(value);
      if (!number || *number == 0 || *number > kMostCount)
        return fail("--count takes a number, 1 or more");
      out.count = static_cast<std::size_t>(*number);
    }
  }
  return out;
}

double clock_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One answer after the other, and what was measured between them.
class Series {
 public:
  Series(const Call& call, const World& world, JsonPtr first)
      : call_(call), world_(world), last_(std::move(first)) {}

  // Until the count is reached or something fails.
  Answer run(const Wishes& wishes) {
    for (std::size_t i = 0; wishes.count == 0 || i < wishes.count; ++i) {
      if (world_.pause) world_.pause(static_cast<int>(std::lround(wishes.interval * 1000)));
      auto told = world_.ask_daemon(call_.options, "GET", std::string(call_.command->path));
      JsonPtr now = is_good(told) ? parse_json(told->body) : nullptr;
      if (!now) return explain(call_, told);
      const std::string text = show(measure(last_.get(), now.get()), i > 0);
      if (!world_.print(text)) return {kExitFailure, "", "claspctl: cannot write the output\n"};
      last_ = std::move(now);
    }
    return {};
  }

 private:
  std::string show(const TopData& data, bool another) const {
    if (call_.json) return render_top_json(data, std::time(nullptr));
    TopChoice choice;
    choice.keys = false;
    std::string out = another ? "\n" : "";
    for (const std::string& line : render_top(data, choice, {world_.look.width, 0}, world_.look))
      out.append(line).append("\n");
    return out;
  }

  const Call& call_;
  const World& world_;
  JsonPtr last_;
};

}  // namespace

Answer run_top(const Call& call, const World& world) {
  auto wishes = read_wishes(call);
  if (!wishes) return {kExitUsage, "", "claspctl: " + wishes.error().message + "\n"};
  const auto told = world.ask_daemon(call.options, "GET", std::string(call.command->path));
  JsonPtr first = is_good(told) ? parse_json(told->body) : nullptr;
  if (!first) return explain(call, told);
  if (!call.json && world.show_screen) {
    TopApp app(wishes->interval, wishes->count, world.look);
    app.told(told, clock_seconds());
    return world.show_screen(call.options, app);
  }
  if (!call.json && wishes->count == 0) wishes->count = 1;
  return Series(call, world, std::move(first)).run(*wishes);
}

}  // namespace clasp::ctl

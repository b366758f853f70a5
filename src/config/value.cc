// Parsing of single values; no option names, no files.
#include "config/value.h"

#include <algorithm>

#include "base/secret.h"
#include "base/text.h"
#include "base/url.h"

namespace clasp::config {
namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};

// Longest suffix first where one ends in another.
constexpr Unit kDurations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizes[] = {{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}};

struct Spelling {
  std::string_view word;
  bool value;
};
constexpr Spelling kBooleans[] = {{"true", true},   {"1", true},  {"yes", true}, {"on", true},
                                  {"false", false}, {"0", false}, {"no", false}, {"off", false}};

template <std::size_t N>
std::int64_t take_unit(std::string_view& text, const Unit (&units)[N], std::int64_t bare) {
  for (const Unit& unit : units) {
    if (text.size() <= unit.suffix.size()) continue;
    const std::size_t at = text.size() - unit.suffix.size();
    if (!iequals(text.substr(at), unit.suffix)) continue;
    text = trim(text.substr(0, at));
    return unit.factor;
  }
  return bare;
}

std::string render_number(const Domain& domain, std::int64_t number) {
  switch (domain.kind) {
    case Kind::bytes:
      return render_bytes(number);
    case Kind::seconds:
    case Kind::millis:
      return render_duration(number);
    case Kind::money:
      return render_money(number);
    default:
      return std::to_string(number);
  }
}

std::string_view expectation(Kind kind) {
  switch (kind) {
    case Kind::bytes:
      return "a size such as 512K or 32M";
    case Kind::seconds:
      return "a duration such as 30, 30s or 5m (a bare number counts seconds)";
    case Kind::millis:
      return "a duration such as 500, 500ms or 2s (a bare number counts milliseconds)";
    default:
      return "a whole number";
  }
}

Result<Value> parse_number(const Domain& domain, std::string_view text) {
  std::string_view digits = text;
  std::int64_t factor = 1;
  if (domain.kind == Kind::bytes) factor = take_unit(digits, kSizes, 1);
  if (domain.kind == Kind::seconds) factor = take_unit(digits, kDurations, 1000);
  if (domain.kind == Kind::millis) factor = take_unit(digits, kDurations, 1);
  const auto number = parse_unsigned(digits);
  if (!number) return fail(quoted(text) + " is not " + std::string(expectation(domain.kind)));
  const auto out_of_range = [&] {
    return fail(quoted(text) + " is out of range, allowed is " + render_number(domain, domain.low) +
                " to " + render_number(domain, domain.high));
  };
  // Comparing before multiplying keeps an absurd number from wrapping into the range.
  if (*number > static_cast<std::uint64_t>(domain.high / factor)) return out_of_range();
  Value value;
  value.number = static_cast<std::int64_t>(*number) * factor;
  if (value.number < domain.low) return out_of_range();
  return value;
}

// Exact: no rounding on the way through a floating point number.
Result<Value> parse_money(const Domain& domain, std::string_view text) {
  constexpr std::size_t kDecimals = 6;
  constexpr std::uint64_t kMostDollars = 1'000'000'000'000;
  std::string_view whole = text;
  if (whole.starts_with('$')) whole.remove_prefix(1);
  const std::size_t point = whole.find('.');
  std::string fraction;
  if (point != std::string_view::npos) fraction = whole.substr(point + 1);
  whole = whole.substr(0, point);
  const bool bare = point != std::string_view::npos && fraction.empty();
  const bool too_fine = fraction.size() > kDecimals;
  fraction.resize(kDecimals, '0');
  const auto dollars = parse_unsigned(whole.empty() ? "0" : whole);
  const auto rest = parse_unsigned(fraction);
  if (!dollars || !rest || bare || too_fine || *dollars > kMostDollars ||
      (whole.empty() && point == std::string_view::npos))
    return fail(quoted(text) + " is not an amount of dollars such as 2.50 (six decimals at most)");
  Value value;
  value.number = static_cast<std::int64_t>(*dollars * 1'000'000 + *rest);
  if (value.number < domain.low || value.number > domain.high)
    return fail(quoted(text) + " is out of range, allowed is " + render_money(domain.low) + " to " +
                render_money(domain.high));
  return value;
}

Result<Value> parse_choice(const Domain& domain, std::string_view text) {
  const auto words = split(domain.choices, '|');
  for (std::string_view word : words)
    if (iequals(word, text)) return Value{.text = std::string(word)};
  std::string allowed;
  for (std::string_view word : words) allowed.append(allowed.empty() ? "" : ", ").append(word);
  return fail(quoted(text) + " is not one of " + allowed + hint(text, words));
}

Result<Value> parse_list(std::string_view text) {
  Value value;
  for (std::string_view item : split(text, ','))
    if (item = trim(item); !item.empty()) value.list.emplace_back(item);
  if (value.list.empty()) return fail("the list is empty");
  return value;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

// Keys go into a header, so only visible ASCII is safe.
Result<Value> parse_secret(std::string_view text) {
  for (unsigned char c : text)
    if (c <= ' ' || c > '~')
      return fail("a key may only hold visible ASCII characters, without blanks");
  return Value{.text = std::string(text)};
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
  for (const Spelling& spelling : kBooleans)
    if (iequals(spelling.word, text)) return spelling.value;
  return fail(quoted(text) + " is neither true, 1, yes, on nor false, 0, no, off");
}

Result<Value> parse_value(const Domain& domain, std::string_view raw) {
  const std::string_view text = trim(raw);
  if (has_control(text)) return fail("the value holds a control character");
  if (!is_valid_utf8(text)) return fail("the value is not valid UTF-8");
  switch (domain.kind) {
    case Kind::boolean: {
      const auto parsed = parse_bool(text);
      if (!parsed) return tl::unexpected(parsed.error());
      return Value{.boolean = *parsed};
    }
    case Kind::integer:
    case Kind::bytes:
    case Kind::seconds:
    case Kind::millis:
      return parse_number(domain, text);
    case Kind::money:
      return parse_money(domain, text);
    case Kind::choice:
      return parse_choice(domain, text);
    case Kind::list:
      return parse_list(text);
    case Kind::secret:
      return parse_secret(text);
    case Kind::url:
      if (const auto url = parse_url(text); !url && !text.empty())
        return fail("this is not a usable URL: " + url.error().message);
      return Value{.text = std::string(text)};
    case Kind::text:
    case Kind::path:
      return Value{.text = std::string(text)};
  }
  return fail("unknown kind of value");
}

std::string render_duration(std::int64_t milliseconds) {
  for (auto unit = std::rbegin(kDurations); unit != std::rend(kDurations); ++unit)
    if (milliseconds != 0 && milliseconds % unit->factor == 0)
      return std::to_string(milliseconds / unit->factor).append(unit->suffix);
  return std::to_string(milliseconds).append(milliseconds == 0 ? "" : "ms");
}

std::string render_money(std::int64_t micro_dollars) {
  std::string out = std::to_string(micro_dollars / 1'000'000);
  std::string fraction = std::to_string(1'000'000 + micro_dollars % 1'000'000).substr(1);
  while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
  return out + "." + fraction;
}

std::string render_bytes(std::int64_t bytes) {
  constexpr std::string_view kLetters = "KMG";
  std::size_t steps = 0;
  while (bytes != 0 && bytes % 1024 == 0 && steps < kLetters.size()) {
    bytes /= 1024;
    ++steps;
  }
  std::string out = std::to_string(bytes);
  if (steps > 0) out.push_back(kLetters[steps - 1]);
  return out;
}

std::string_view nearest(std::string_view asked, const std::vector<std::string_view>& names) {
  constexpr std::size_t kLongestName = 64;  // edit_distance is quadratic
  if (asked.empty() || asked.size() > kLongestName) return {};
  const std::string folded = to_lower(asked);
  std::string_view best;
  // Two letters swapped count as two changes.
  std::size_t best_distance =
      (asked.size() < 4 ? 1 : std::max<std::size_t>(2, asked.size() / 3)) + 1;
  for (std::string_view name : names) {
    const std::size_t distance = edit_distance(folded, to_lower(name));
    if (distance >= best_distance) continue;
    best = name;
    best_distance = distance;
  }
  return best;
}

std::string hint(std::string_view asked, const std::vector<std::string_view>& names) {
  const std::string_view name = nearest(asked, names);
  return name.empty() ? "" : " (did you mean " + std::string(name) + "?)";
}

std::string quoted(std::string_view value) {
  constexpr std::size_t kShown = 60;
  // A key in the wrong place is a mistake too.
  const std::string text = mask_secrets(value);
  std::string out = "\"";
  for (unsigned char c : std::string_view(text).substr(0, kShown))
    out.push_back(c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c));
  out.append(text.size() > kShown ? "…\"" : "\"");
  return scrub_utf8(out);
}

}  // namespace clasp::config

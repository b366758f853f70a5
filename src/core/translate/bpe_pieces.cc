// Where a text is cut into pieces before any merging: what the pattern of o200k_base says, as a
// machine, since a library for regular expressions that knows Unicode would be slower and one more
// thing to need:
//
//   one character that is no letter, number or line end?  [upper]* [lower]+  (a contraction)?
//   the same front?                                       [upper]+ [lower]*  (a contraction)?
//   [number]{1,3}
//   a blank?  [anything but space, letter and number]+    [line ends and slashes]*
//   [space]* [line ends]+
//   [space]+ that nothing but space follows, else all but the last one; [space]+
//
// The first line that matches counts, and letters without case and marks are both upper and lower.
// Code points are told apart by the table that tools/unicode-classes makes. See bpe.h.
#include <algorithm>
#include <iterator>

#include "core/translate/bpe.h"

namespace clasp::translate {

namespace {

enum Class : std::uint8_t { other, upper, lower, letter, mark, number, space, newline };

#include "core/translate/unicode_classes.inc"

struct Char {
  Class kind = other;
  std::uint8_t bytes = 0;
};

Class class_of(std::uint32_t code) {
  const std::uint32_t* after =
      std::upper_bound(std::begin(kRanges), std::end(kRanges), code << 3 | 7);
  return static_cast<Class>(after[-1] & 7);
}

struct AsciiClasses {
  Class of[128];
};
const AsciiClasses& ascii_classes() {
  static const AsciiClasses kClasses = [] {
    AsciiClasses made;
    for (std::uint32_t c = 0; c < 128; ++c) made.of[c] = class_of(c);
    return made;
  }();
  return kClasses;
}

class Pieces {
 public:
  explicit Pieces(std::string_view text) : text_(text), ascii_(ascii_classes()) {}

  std::size_t end(std::size_t at) const {
    if (const std::size_t to = word(at); to != 0) return to;
    const Char first = get(at);
    if (first.kind == number) return numbers(at);
    if (const std::size_t to = symbols(at, first); to != 0) return to;
    return spaces(at);
  }

 private:
  // Nothing behind the end.
  Char get(std::size_t at) const {
    if (at >= text_.size()) return {other, 0};
    const auto byte = [&](std::size_t i) {
      return at + i < text_.size() ? static_cast<unsigned char>(text_[at + i]) : 0u;
    };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) return {ascii_.of[lead], 1};
    std::uint32_t code = 0;
    std::uint8_t length = 2;
    if (lead < 0xe0) {
      code = (lead & 0x1f) << 6 | (byte(1) & 0x3f);
    } else if (lead < 0xf0) {
      code = (lead & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
      length = 3;
    } else {
      code =
          (lead & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
      length = 4;
    }
    const std::size_t left = text_.size() - at;
    return {class_of(code), static_cast<std::uint8_t>(std::min<std::size_t>(length, left))};
  }

  static bool in_upper(Char c) {
    return c.bytes && (c.kind == upper || c.kind == letter || c.kind == mark);
  }
  static bool in_lower(Char c) {
    return c.bytes && (c.kind == lower || c.kind == letter || c.kind == mark);
  }
  static bool in_symbols(Char c) { return c.bytes && (c.kind == other || c.kind == mark); }

  std::size_t run_lower(std::size_t at) const {
    for (Char c = get(at); in_lower(c); c = get(at)) at += c.bytes;
    return at;
  }

  // [upper]*[lower]+ from `at`, then [upper]+[lower]*; 0 when neither. `ends_low`: the first one.
  struct Run {
    std::size_t first = 0, second = 0;
  };
  Run letters(std::size_t at) const {
    Run run;
    std::size_t to = at, last_both = 0;
    for (Char c = get(to); in_upper(c); c = get(to)) {
      to += c.bytes;
      if (c.kind != upper) last_both = to;
    }
    if (in_lower(get(to)))
      run.first = run_lower(to);
    else
      run.first = last_both;
    if (to != at) run.second = run_lower(to);
    return run;
  }

  std::size_t contraction(std::size_t at) const {
    if (at + 1 >= text_.size() || text_[at] != '\'') return at;
    const auto low = [&](std::size_t i) {
      return at + i < text_.size() ? static_cast<char>(text_[at + i] | 0x20) : '\0';
    };
    const char a = low(1), b = low(2);
    if (a == 's' || a == 't') return at + 2;
    if ((a == 'r' || a == 'v') && b == 'e') return at + 3;
    if (a == 'm') return at + 2;
    if (a == 'l' && b == 'l') return at + 3;
    if (a == 'd') return at + 2;
    // The long s is an s to whom case means nothing.
    if (text_.substr(at + 1).starts_with("\xc5\xbf")) return at + 3;
    return at;
  }

  // A word with at most one character in front that is neither letter, number nor line end.
  std::size_t word(std::size_t at) const {
    const Char front = get(at);
    const bool may_lead = front.kind == other || front.kind == mark || front.kind == space;
    Run with, without;
    if (may_lead) {
      with = letters(at + front.bytes);
      if (with.first) return contraction(with.first);
    }
    if (front.kind != other && front.kind != space) {
      without = letters(at);
      if (without.first) return contraction(without.first);
    }
    const std::size_t to = with.second ? with.second : without.second;
    return to ? contraction(to) : 0;
  }

  std::size_t numbers(std::size_t at) const {
    for (int i = 0; i < 3; ++i) {
      const Char c = get(at);
      if (!c.bytes || c.kind != number) break;
      at += c.bytes;
    }
    return at;
  }

  std::size_t symbols(std::size_t at, Char first) const {
    std::size_t to = at;
    if (first.kind == space && text_[at] == ' ') ++to;
    if (!in_symbols(get(to))) return 0;
    for (Char c = get(to); in_symbols(c); c = get(to)) to += c.bytes;
    while (to < text_.size() && (text_[to] == '\r' || text_[to] == '\n' || text_[to] == '/')) ++to;
    return to;
  }

  std::size_t spaces(std::size_t at) const {
    std::size_t to = at, last = at, after_line = 0;
    for (Char c = get(to); c.bytes && (c.kind == space || c.kind == newline); c = get(to)) {
      last = to;
      to += c.bytes;
      if (c.kind == newline) after_line = to;
    }
    if (after_line) return after_line;
    if (to == text_.size() || last == at)
      return to == at ? at + std::max<std::size_t>(get(at).bytes, 1) : to;
    return last;
  }

  std::string_view text_;
  const AsciiClasses& ascii_;
};

}  // namespace

std::size_t piece_end(std::string_view text, std::size_t at) {
  return Pieces(text).end(at);
}

}  // namespace clasp::translate

// What claspctl top does with keys, time and answers. It neither asks nor draws: it says when it
// wants to be told something, and what is to be seen.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/top_view.h"

namespace clasp::ctl {

class TopApp {
 public:
  // `count`: how many pictures there will be; 0: until it is quit.
  TopApp(double interval, std::size_t count, const Look& look);

  // Times are seconds of a clock that does not jump.
  void told(const Result<Told, LinkError>& answer, double now);
  void on_keys(std::string_view bytes, double now);
  void resize(TopSize size);

  bool over() const { return over_; }
  // When it wants the next answer.
  double next_question() const { return next_; }
  bool paused() const { return choice_.paused; }
  // What is to be seen then.
  std::vector<std::string> picture(double now) const;

 private:
  void on_key(char key, double now);
  void on_sequence(std::string_view sequence);
  void sort_by(TopSort sort);
  void change_interval(int step, double now);
  void move(std::ptrdiff_t rows);
  void show(TopView view);
  void lose(const std::string& why, double now);

  const Look look_;
  TopSize size_;
  TopChoice choice_;
  std::deque<JsonPtr> answers_;  // of one run of the daemon, the last ten seconds
  TopData data_;
  std::string trouble_;
  double trouble_since_ = 0, asked_ = 0, next_ = 0;
  std::size_t pictures_ = 0, most_pictures_;
  bool over_ = false;
};

}  // namespace clasp::ctl

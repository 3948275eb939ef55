#include "train/loop/progress.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "tests/support/catch.h"

namespace tandem {
namespace {

ProgressStep at(int epoch, std::int64_t step, std::int64_t steps = 100) {
  return {epoch, 3, step, steps, 32, {1.25, {{"softmax", "a", 2}, {"softmax", "b", 3}, {"contrastive", "c", 0.125}}}};
}

std::vector<std::string> lines_of(const std::ostringstream& out) {
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The text on a terminal of this width after a few steps of 2 s.
std::string drawn(int width, int epoch = 2, std::int64_t step = 50) {
  std::ostringstream out;
  Progress progress(out, {true, [=] { return width; }});
  progress.step(at(epoch, step - 1), 0);
  out.str("");
  progress.step(at(epoch, step), 2);
  const std::string text = out.str();
  REQUIRE(text.front() == '\r');
  REQUIRE(text.substr(text.size() - 3) == "\x1b[K");
  return text.substr(1, text.size() - 4);
}

TEST_CASE("a terminal shows one line with everything") {
  CHECK(drawn(140) ==
        "epoch 2/3 step 50/100 [===============---------------] loss 1.2500 (softmax 2.5000, contrastive 0.1250) "
        "16.0 images/s 5:00 left");
  CHECK(drawn(140, 3, 100).find("[==============================]") != std::string::npos);
  CHECK(drawn(140, 3, 100).find("0:00 left") != std::string::npos);
}

TEST_CASE("a narrow terminal keeps what matters and never wraps") {
  for (int width = 1; width < 200; ++width)
    CHECK(drawn(width).size() <= static_cast<std::size_t>(std::max(1, width - 1)));
  CHECK(drawn(71) == "epoch 2/3 step 50/100 [=====-----] loss 1.2500 16.0 images/s 5:00 left");
  CHECK(drawn(70) == "epoch 2/3 step 50/100 loss 1.2500 16.0 images/s 5:00 left");
  CHECK(drawn(40) == "epoch 2/3 step 50/100 loss 1.2500");
  CHECK(drawn(12) == "epoch 2/3 s");
}

TEST_CASE("a terminal is not redrawn too often") {
  std::ostringstream out;
  Progress progress(out, {true, [] { return 80; }});
  for (int i = 1; i <= 99; ++i) progress.step(at(1, i), i * 0.01);
  const std::string text = out.str();
  const auto drawings = std::count(text.begin(), text.end(), '\r');
  CHECK(drawings >= 9);
  CHECK(drawings <= 11);
  out.str("");
  progress.step(at(1, 100), 0.995);  // An epoch's last step is always shown.
  CHECK(out.str().find("100/100") != std::string::npos);
}

TEST_CASE("lines of their own replace the progress line") {
  std::ostringstream out;
  Progress progress(out, {true, [] { return 80; }});
  progress.line("first");
  CHECK(out.str() == "first\n");
  progress.step(at(1, 1), 0);
  out.str("");
  progress.line("epoch 1 done");
  CHECK(out.str() == "\r\x1b[Kepoch 1 done\n");
  progress.clear();
  CHECK(out.str() == "\r\x1b[Kepoch 1 done\n");  // Nothing left to remove.
}

TEST_CASE("elsewhere there are plain lines now and then") {
  std::ostringstream out;
  Progress progress(out, {false, nullptr});
  for (int i = 1; i <= 100; ++i) progress.step(at(1, i), i);  // 1 s a step; a tenth is 10 s.
  CHECK(lines_of(out).size() >= 9);
  CHECK(lines_of(out).size() <= 11);
  CHECK(lines_of(out).front() == "epoch 1/3 step 1/100 loss 1.2500 (softmax 2.5000, contrastive 0.1250)");
  CHECK(lines_of(out)[1].find("32.0 images/s 4:") != std::string::npos);
  CHECK(out.str().find('\r') == std::string::npos);
  CHECK(out.str().find('\x1b') == std::string::npos);
}

TEST_CASE("short epochs do not flood and long ones do not fall silent") {
  std::ostringstream fast;
  Progress quick(fast, {false, nullptr});
  for (int i = 0; i < 3000; ++i) quick.step(at(i / 10 + 1, i % 10 + 1, 10), i * 0.01);  // 30 s in all.
  CHECK(lines_of(fast).size() == 3);
  std::ostringstream slow;
  Progress patient(slow, {false, nullptr});
  for (int i = 1; i <= 100; ++i) patient.step(at(1, i, 100000), i * 6.0);  // 600 s, less than a tenth of an epoch.
  CHECK(lines_of(slow).size() == 10);
}

TEST_CASE("a pause does not slow the rate") {
  std::ostringstream out;
  Progress progress(out, {true, [] { return 140; }});
  progress.step(at(1, 1), 0);
  progress.step(at(1, 2), 2);
  progress.pause();
  progress.step(at(1, 3), 1000);
  progress.step(at(1, 4), 1002);
  out.str("");
  progress.step(at(1, 5), 1004);
  CHECK(out.str().find("16.0 images/s 9:50 left") != std::string::npos);
}

TEST_CASE("the loss is smoothed and recovers from infinity") {
  std::ostringstream out;
  Progress progress(out, {true, [] { return 140; }});
  ProgressStep step = at(1, 1);
  step.losses.total = 1;
  progress.step(step, 0);
  step.losses.total = 2;
  progress.step(step, 1);
  CHECK(out.str().find("loss 1.1000") != std::string::npos);
  step.losses.total = INFINITY;
  progress.step(step, 2);
  CHECK(out.str().find("loss inf") != std::string::npos);
  step.losses.total = 3;
  progress.step(step, 3);
  CHECK(out.str().find("loss 3.0000") != std::string::npos);
}

}  // namespace
}  // namespace tandem

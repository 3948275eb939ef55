#pragma once
// A device that can capture steps, as far as the host sees it.

#include <functional>
#include <memory>
#include <utility>

#include "cpu/reference/reference_backend.h"

namespace tandem::test {

/// What is captured runs when it is replayed.
class CapturingBackend : public cpu::ReferenceBackend {
 public:
  int captures = 0, replays = 0;

  std::unique_ptr<CapturedStep> capture(const std::function<void()>& body) override {
    ++captures;
    return std::make_unique<Captured>(body, replays);
  }

 private:
  class Captured final : public CapturedStep {
   public:
    Captured(std::function<void()> body, int& replays) : body_(std::move(body)), replays_(replays) {}
    void replay() override {
      ++replays_;
      body_();
    }

   private:
    std::function<void()> body_;
    int& replays_;
  };
};

}  // namespace tandem::test

#pragma once
// A sequence of kernels as one CUDA graph: the host launches it as a whole.

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/backend/backend.h"
#include "cuda/runtime/stream.h"

namespace tandem::cuda {

/// Whether the work that `body` queues on `stream` can become a graph. Nothing is run.
bool can_be_captured(const Stream& stream, const std::function<void()>& body);

class CapturedGraph final : public CapturedStep {
 public:
  /// Everything the graph needs as long as it lives, apart from the stream's device; filled during the recording.
  struct Needs {
    std::unique_ptr<Arena::Hold> memory;
    std::vector<std::shared_ptr<const void>> objects;
  };

  /// Records the work that `body` queues on `stream`, then seals `needs.memory`. `stream` must outlive the graph.
  CapturedGraph(const Stream& stream, const std::function<void()>& body, Needs& needs);
  ~CapturedGraph() override;

  void replay() override;

 private:
  const Stream& stream_;
  Needs needs_;
  Handle<cudaGraphExec_t, cudaGraphExecDestroy> executable_;
};

}  // namespace tandem::cuda

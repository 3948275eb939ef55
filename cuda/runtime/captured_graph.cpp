#include "cuda/runtime/captured_graph.h"

#include "cuda/runtime/check.h"
#include "cuda/runtime/profiler_range.h"

namespace tandem::cuda {
namespace {

using Graph = Handle<cudaGraph_t, cudaGraphDestroy>;

Graph record(const Stream& stream, const std::function<void()>& body) {
  Graph graph;
  // Captures this thread alone; the loader's threads continue.
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
  try {
    body();
  } catch (...) {
    (void)cudaStreamEndCapture(stream.get(), graph.receive());
    (void)cudaGetLastError();
    throw;
  }
  check(cudaStreamEndCapture(stream.get(), graph.receive()));
  return graph;
}

}  // namespace

bool can_be_captured(const Stream& stream, const std::function<void()>& body) {
  try {
    return record(stream, body).get() != nullptr;
  } catch (const Error&) {
    return false;
  }
}

CapturedGraph::CapturedGraph(const Stream& stream, const std::function<void()>& body, Needs& needs) : stream_(stream) {
  const Graph graph = record(stream, body);
  needs.memory->seal();
  needs_ = std::move(needs);
  check(cudaGraphInstantiate(executable_.receive(), graph.get(), 0));
  check(cudaGraphUpload(executable_.get(), stream.get()));
}

CapturedGraph::~CapturedGraph() {
  // Its memory must not be released while it runs.
  (void)cudaStreamSynchronize(stream_.get());
}

void CapturedGraph::replay() {
  const ProfilerRange range("step");
  check(cudaGraphLaunch(executable_.get(), stream_.get()));
}

}  // namespace tandem::cuda

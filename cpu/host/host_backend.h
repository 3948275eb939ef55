#pragma once
// What the two backends on the CPU share: the device, whose memory is the host's, and the kernels that work on a few
// thousand numbers a step, where a plain loop is enough. These are in f32 and f64.

#include "core/backend/backend.h"
#include "core/base/processors.h"
#include "cpu/threads.h"

namespace tandem::cpu {

class HostBackend : public Backend {
 public:
  /// So many threads compute.
  explicit HostBackend(const ThreadCount& threads);

  Device device() const override { return {}; }
  void synchronize() override {}
  Tensor empty(const Shape& shape, DType dtype) override { return {arena_, shape, dtype}; }
  MemoryStats memory() const override { return arena_->stats(); }
  void copy_from_host(const void* from, Tensor& to) override;
  void copy_to_host(const Tensor& from, void* to) override;
  std::unique_ptr<Uploader> make_uploader(std::size_t bytes) override;
  std::unique_ptr<Downloader> make_downloader(std::size_t elements) override;
  std::unique_ptr<CapturedStep> capture(const std::function<void()>& /*body*/) override { return nullptr; }

  void copy(const Tensor& from, Tensor& to) override;
  void fill(Tensor& x, double value) override;
  void weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) override;

  void unary(UnaryOp op, const Tensor& x, Tensor& y) override;
  void affine(double factor, double shift, const Tensor& x, Tensor& y) override;
  void binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) override;
  void reduce(ReduceOp op, Over over, const Tensor& x, Tensor& y) override;
  void gather_rows(const Tensor& x, const Tensor& index, Tensor& y) override;
  void scatter_add_rows(const Tensor& x, const Tensor& index, Tensor& y) override;

  void fold_batch_norm(double eps, const Tensor& w, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                       const Tensor& running_var, Tensor& folded_w, Tensor& folded_b) override;
  void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                             Tensor& dlogits) override;
  void update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm, Tensor& loss_scale) override;

 protected:
  const std::shared_ptr<Arena>& arena() const { return arena_; }
  Threads& threads() { return threads_; }
  /// "2 threads (one per processor)": how many, and what sets it.
  std::string threads_description() const;

 private:
  std::shared_ptr<Arena> arena_;
  Threads threads_;
  std::string why_so_many_;  ///< threads
};

}  // namespace tandem::cpu

#include "train/loop/step_executor.h"

#include <cmath>

#include "layers/initialise.h"

namespace tandem {
namespace {

/// Steps until the kernels are chosen and the arena has what a step needs.
constexpr int kWarmUp = 2;
/// What a step leaves for the host: total, softmax A, softmax B, contrastive, gradient norm, loss scale.
constexpr std::int64_t kFigures = 6;
/// The share that the moving average keeps.
constexpr double kAverage = 0.99;

Tensor real_tensor(Backend& backend, DType real, const std::vector<double>& values) {
  Tensor tensor = backend.empty({static_cast<std::int64_t>(values.size())}, real);
  upload_real(backend, values, tensor);
  return tensor;
}

void copy_scalar(Backend& backend, const Tensor& from, Tensor& to, std::int64_t row) {
  Tensor element = to.rows(row, row + 1);
  backend.copy(from, element);
}

void check_gradient(double norm, const double* loss_scale, std::int64_t step) {
  if (std::isfinite(norm) || (loss_scale && *loss_scale > 1)) return;
  fail("step {}: the gradient{} is not a finite number, though the loss is: lower the learning rate", step,
       loss_scale ? " under a loss scale of 1" : "");
}

}  // namespace

StepExecutor::StepExecutor(const Context& context, TwinTowers& model, Optimizer& optimizer, const StepOptions& options,
                           const StepState& state)
    : context_(context), backend_(context.backend), model_(model), optimizer_(optimizer), options_(options) {
  require(!options.synchronous || !options.loss_scaling, "steps: a loss scale, and losses read at once");
  const std::int64_t images = 2 * options.pairs;
  const DType real = context.param_dtype();
  pixels_ = backend_.empty({images, options.size, options.size, 3}, DType::u8);
  labels_ = backend_.empty({images}, DType::i32);
  scalars_ = backend_.empty({3}, real);
  if (options_.match_softmax) options_.loss.contrastive_weight = state.matched_weight;
  weights_ = loss_weights(backend_, real, options_.loss);
  pixels_up_ = backend_.make_uploader(pixels_.bytes());
  labels_up_ = backend_.make_uploader(labels_.bytes());
  scalars_up_ = backend_.make_uploader(scalars_.bytes());
  if (options.match_softmax) average_ = real_tensor(backend_, real, {kAverage, (1 - kAverage) / 2, (1 - kAverage) / 2});
  norm_ = backend_.empty({1}, real);
  if (options.synchronous) return;
  figures_ = real_tensor(backend_, real, std::vector<double>(kFigures, 0.0));
  figures_down_ = backend_.make_downloader(static_cast<std::size_t>(kFigures * options.max_in_flight));
  if (options.loss_scaling)
    loss_scale_ = real_tensor(backend_, real, {state.loss_scale.begin(), state.loss_scale.end()});
}

void StepExecutor::submit(const Batch& batch, double lr, std::int64_t t) {
  require(batch.pixels.size() == pixels_.bytes() && batch.images == labels_.dim(0),
          "steps: a batch of {} images of {} bytes, expected {} of {}", batch.images, batch.pixels.size(),
          labels_.dim(0), pixels_.bytes());
  pixels_up_->begin(batch.pixels.data(), pixels_.bytes());
  labels_up_->begin(batch.labels.data(), labels_.bytes());
  pixels_up_->finish(pixels_);
  labels_up_->finish(labels_);
  submit_again(lr, t);
}

void StepExecutor::submit_again(double lr, std::int64_t t) {
  require(queued_ < options_.max_in_flight, "steps: more than {} queued", options_.max_in_flight);
  scalars_up_->begin(bytes_of(optimizer_.scalars(lr, t), scalars_.dtype()).data(), scalars_.bytes());
  scalars_up_->finish(scalars_);
  number_ = t;
  if (options_.capture && !options_.synchronous && steps_ == kWarmUp) captured_ = backend_.capture([this] { run(); });
  if (captured_)
    captured_->replay();
  else
    run();
  if (!options_.synchronous) figures_down_->begin(figures_);
  ++steps_;
  ++queued_;
}

/// What is captured: everything that it reads and writes, but for its own intermediate results, is a member.
void StepExecutor::run() {
  Tensor images = backend_.empty(pixels_.shape(), context_.compute);
  backend_.normalize_images(pixels_, images);
  ForwardPass pass(context_, model_, std::exchange(images, {}), labels_, options_.loss, weights_);
  UpdateInputs inputs{scalars_, {}, {}};
  if (options_.synchronous) {
    const LossValues values = pass.values();
    check_finite(values, number_);
    read_.push_back(values);
  }
  pass.backward(loss_scale_ ? loss_scale_.rows(0, 1) : Tensor());
  backend_.gradient_norm(optimizer_.gradients(), norm_);
  if (options_.synchronous) {
    check_gradient(download(backend_, norm_)[0], nullptr, number_);
  } else {
    write_figures(pass.losses());
    inputs.gradient_norm = norm_;
    inputs.loss_scale = loss_scale_;
  }
  optimizer_.update(inputs);
  if (loss_scale_) backend_.update_loss_scale(*options_.loss_scaling, norm_, loss_scale_);
  if (options_.match_softmax) average_softmax(pass.losses());
}

void StepExecutor::write_figures(const PairLosses& losses) {
  std::int64_t row = 0;
  for (const Variable* loss : {&losses.total, &losses.softmax_a, &losses.softmax_b, &losses.contrastive})
    copy_scalar(backend_, loss->value(), figures_, row++);
  copy_scalar(backend_, norm_, figures_, row++);
  if (loss_scale_) copy_scalar(backend_, loss_scale_.rows(0, 1), figures_, row);
}

void StepExecutor::average_softmax(const PairLosses& losses) {
  Tensor average = backend_.empty({1}, weights_.dtype());
  backend_.weighted_sum({weights_.rows(2, 3), losses.softmax_a.value(), losses.softmax_b.value()}, average_, average);
  copy_scalar(backend_, average, weights_, 2);
}

void StepExecutor::finish(const std::function<void(const LossValues&)>& body) {
  queued_ = 0;
  for (const LossValues& values : std::exchange(read_, {})) body(values);
  if (options_.synchronous) return;
  const std::vector<double> figures = figures_down_->finish();
  std::int64_t step = number_ - static_cast<std::int64_t>(figures.size()) / kFigures;
  for (std::size_t i = 0; i < figures.size(); i += kFigures) {
    ++step;
    const double* f = &figures[i];
    const LossValues values{f[0], f[1], f[2], f[3]};
    check_finite(values, step);
    check_gradient(f[4], loss_scale_ ? &f[5] : nullptr, step);
    body(values);
  }
}

StepState StepExecutor::state() const {
  StepState state;
  if (options_.match_softmax) state.matched_weight = download(backend_, weights_)[2];
  if (loss_scale_) {
    const std::vector<double> scale = download(backend_, loss_scale_);
    state.loss_scale = {scale[0], scale[1]};
  }
  return state;
}

}  // namespace tandem

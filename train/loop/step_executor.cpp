#include "train/loop/step_executor.h"

#include <cmath>
#include <utility>

#include "core/backend/host_copy.h"

namespace tandem {
namespace {

/// Steps until the kernels are chosen and the arena has what a step needs.
constexpr int kWarmUp = 2;

void copy_scalar(Backend& backend, const Tensor& from, Tensor& to, std::int64_t row) {
  Tensor element = to.rows(row, row + 1);
  backend.copy(from, element);
}

void check_losses(const LossValues& values, std::int64_t step) {
  if (std::isfinite(values.total)) return;
  std::string terms;
  for (const LossValue& term : values.terms) terms += fmt::format(", {} {}", term.name, term.value);
  throw NotFinite(fmt::format("step {}: the loss is not a finite number (total {}{}): lower the learning rate", step,
                              values.total, terms));
}

void check_gradient(double norm, const double* loss_scale, std::int64_t step) {
  if (std::isfinite(norm) || (loss_scale && *loss_scale > 1)) return;
  throw NotFinite(
      fmt::format("step {}: the gradient{} is not a finite number, though the loss is: lower the learning rate", step,
                  loss_scale ? " under a loss scale of 1" : ""));
}

}  // namespace

StepExecutor::StepExecutor(const Context& context, TwinTowers& model, Optimizer& optimizer, const TrainingLoss& loss,
                           const StepOptions& options, const StepState& state, Ema* ema)
    : context_(context),
      backend_(context.backend),
      model_(model),
      optimizer_(optimizer),
      loss_(loss),
      options_(options),
      weights_(backend_, context.param_dtype(), loss, state.matched_weight),
      ema_(ema) {
  require(options.batches >= 1 && options.batches <= 64, "steps: {} batches a step, expected 1 to 64", options.batches);
  require(!options.synchronous || !options.loss_scaling, "steps: a loss scale, and losses read at once");
  if (!options_.normalize)
    options_.normalize = [this](const Tensor& pixels, Tensor& images) { backend_.normalize_images(pixels, images); };
  const std::int64_t images = 2 * options.pairs;
  const DType real = context.param_dtype();
  for (int part = 0; part < options.batches; ++part) {
    Input& input = inputs_.emplace_back();
    input.pixels = backend_.empty({images, options.size, options.size, 3}, DType::u8);
    input.labels = backend_.empty({images}, DType::i32);
    input.pixels_up = backend_.make_uploader(input.pixels.bytes());
    input.labels_up = backend_.make_uploader(input.labels.bytes());
    if (options.mixes) {
      input.mixed = {backend_.empty({images}, DType::i32), backend_.empty({2}, real)};
      input.others_up = backend_.make_uploader(input.mixed.others.bytes());
      input.shares_up = backend_.make_uploader(input.mixed.shares.bytes());
    }
    if (options.drop.any())
      input.drop = std::make_unique<StepDrop>(
          backend_, real, options.drop,
          DropSizes{images, model.backbone().features(), model.backbone().residual_blocks()}, options.seed);
  }
  if (options.batches > 1)
    shares_ = real_tensor(backend_, real,
                          std::vector<double>(static_cast<std::size_t>(options.batches), 1.0 / options.batches));
  scalars_ = backend_.empty({static_cast<std::int64_t>(optimizer.scalars(0, 1).size()) + 1}, real);
  scalars_up_ = backend_.make_uploader(scalars_.bytes());
  norm_ = backend_.empty({1}, real);
  if (options.synchronous) return;
  stats_ = real_tensor(backend_, real, std::vector<double>(static_cast<std::size_t>(stats_per_step()), 0.0));
  stats_down_ = backend_.make_downloader(static_cast<std::size_t>(stats_per_step() * options.max_in_flight));
  if (options.loss_scaling)
    loss_scale_ = real_tensor(backend_, real, {state.loss_scale.begin(), state.loss_scale.end()});
}

void StepExecutor::load(const Batch& batch, int part) {
  require(part >= 0 && part < options_.batches, "steps: batch {} of a step of {}", part, options_.batches);
  Input& input = inputs_[static_cast<std::size_t>(part)];
  require(batch.pixels.size() == input.pixels.bytes() && batch.images == input.labels.dim(0),
          "steps: a batch of {} images of {} bytes, expected {} of {}", batch.images, batch.pixels.size(),
          input.labels.dim(0), input.pixels.bytes());
  input.pixels_up->begin(batch.pixels.data(), input.pixels.bytes());
  input.labels_up->begin(batch.labels.data(), input.labels.bytes());
  input.pixels_up->finish(input.pixels);
  input.labels_up->finish(input.labels);
  if (input.drop) input.drop->begin(batch.step, part);
  load_mixture(batch, input);
}

/// The other labels and the shares; a batch without is one whose images have their own label alone.
void StepExecutor::load_mixture(const Batch& batch, Input& input) {
  require(options_.mixes || batch.other_labels.empty(), "steps: mixed images, and steps that do not mix");
  if (!options_.mixes) return;
  const std::vector<std::int32_t>& others = batch.other_labels.empty() ? batch.labels : batch.other_labels;
  require(others.size() == batch.labels.size(), "steps: {} other labels for {} images", others.size(), batch.images);
  const auto shares = bytes_of({batch.own_share, 1 - batch.own_share}, input.mixed.shares.dtype());
  input.others_up->begin(others.data(), input.mixed.others.bytes());
  input.shares_up->begin(shares.data(), input.mixed.shares.bytes());
  input.others_up->finish(input.mixed.others);
  input.shares_up->finish(input.mixed.shares);
}

int StepExecutor::load(PairLoader& loader, const std::function<Batch()>& next) {
  int images = 0;
  for (int part = 0; part < options_.batches; ++part) {
    Batch batch = next();
    images += batch.images;
    load(batch, part);
    loader.recycle(std::move(batch));
  }
  return images;
}

void StepExecutor::submit(const Batch& batch, double lr, std::int64_t t) {
  require(options_.batches == 1, "steps: one batch for a step of {}", options_.batches);
  load(batch);
  submit(lr, t);
}

void StepExecutor::submit(double lr, std::int64_t t) {
  require(in_flight_ < options_.max_in_flight, "steps: more than {} in flight", options_.max_in_flight);
  std::vector<double> scalars = optimizer_.scalars(lr, t);
  scalars.push_back(ema_ ? ema_->share(t) : 0);
  scalars_up_->begin(bytes_of(scalars, scalars_.dtype()).data(), scalars_.bytes());
  scalars_up_->finish(scalars_);
  number_ = t;
  if (options_.before_step && options_.before_step(t)) {
    if (captured_) backend_.synchronize();
    captured_.reset();
    steps_ = 0;
  }
  if (options_.capture && !options_.synchronous && steps_ == kWarmUp) captured_ = backend_.capture([this] { run(); });
  if (captured_)
    captured_->replay();
  else
    run();
  if (!options_.synchronous) stats_down_->begin(stats_);
  ++steps_;
  ++in_flight_;
}

/// What is captured: everything that it reads and writes, except its own intermediate results, is a member.
void StepExecutor::run() {
  std::vector<TrainingLoss::Output> parts;
  parts.reserve(inputs_.size());
  for (const Input& input : inputs_) parts.push_back(run_backward(input));
  const TrainingLoss::Output losses = mean(parts);
  const std::int64_t own = scalars_.size() - 1;
  backend_.gradient_norm(optimizer_.gradients(), norm_);
  if (options_.synchronous) {
    read_.push_back(read(losses));
    check_gradient(download(backend_, norm_)[0], nullptr, number_);
  } else {
    write_stats(losses);
  }
  optimizer_.update({scalars_.rows(0, own), norm_, loss_scale_});
  if (ema_) ema_->update(scalars_.rows(own, own + 1), norm_);
  if (loss_scale_) backend_.update_loss_scale(*options_.loss_scaling, norm_, loss_scale_);
  weights_.update(losses);
}

/// Adds a batch's gradients, each times 1 / k, to those that are there.
TrainingLoss::Output StepExecutor::run_backward(const Input& input) {
  Tape tape;
  TrainingLoss::Output losses = forward(input, tape);
  if (options_.synchronous) check_losses(read(losses), number_);
  Tensor seed = loss_scale_ ? loss_scale_.rows(0, 1) : Tensor();
  if (shares_) {
    Tensor share = backend_.empty({1}, shares_.dtype());
    if (seed)
      backend_.affine(1.0 / options_.batches, 0, seed, share);
    else
      backend_.fill(share, 1.0 / options_.batches);
    seed = std::move(share);
  }
  tape.backward(backend_, losses.total, seed);
  return losses;
}

/// The losses of the batch on the device, with a tape that leads back from them.
TrainingLoss::Output StepExecutor::forward(const Input& input, Tape& tape) {
  Tensor images = backend_.empty(input.pixels.shape(), context_.compute);
  options_.normalize(input.pixels, images);
  Context recording = context_;
  recording.tape = &tape;
  recording.training = true;
  recording.drop = input.drop ? &input.drop->factors() : nullptr;
  TowerOutputs outputs = model_.forward(recording, std::exchange(images, {}));
  outputs.mixed = input.mixed;
  return loss_.forward(recording, outputs, input.labels, weights_.values());
}

/// The means over the batches of a step.
TrainingLoss::Output StepExecutor::mean(const std::vector<TrainingLoss::Output>& losses) {
  if (losses.size() == 1) return losses.front();
  const auto mean_of = [&](const auto& value) {
    std::vector<Tensor> values;
    values.reserve(losses.size());
    for (const TrainingLoss::Output& one : losses) values.push_back(value(one));
    Tensor result = backend_.empty({1}, shares_.dtype());
    backend_.weighted_sum(values, shares_, result);
    return Variable(std::move(result));
  };
  TrainingLoss::Output means;
  means.total = mean_of([](const auto& one) { return one.total.value(); });
  for (std::size_t i = 0; i < losses.front().terms.size(); ++i)
    means.terms.push_back(mean_of([i](const auto& one) { return one.terms[i].value(); }));
  return means;
}

LossValues StepExecutor::read(const TrainingLoss::Output& losses) const {
  std::vector<double> numbers = download(backend_, losses.total.value());
  for (const Variable& term : losses.terms) numbers.push_back(download(backend_, term.value())[0]);
  return loss_.values(numbers);
}

void StepExecutor::write_stats(const TrainingLoss::Output& losses) {
  std::int64_t row = 0;
  copy_scalar(backend_, losses.total.value(), stats_, row++);
  for (const Variable& term : losses.terms) copy_scalar(backend_, term.value(), stats_, row++);
  copy_scalar(backend_, norm_, stats_, row++);
  if (loss_scale_) copy_scalar(backend_, loss_scale_.rows(0, 1), stats_, row);
}

void StepExecutor::finish(const std::function<void(const LossValues&)>& body) {
  in_flight_ = 0;
  for (const LossValues& values : std::exchange(read_, {})) body(values);
  if (options_.synchronous) return;
  const std::vector<double> stats = stats_down_->finish();
  const auto per_step = static_cast<std::size_t>(stats_per_step());
  std::int64_t step = number_ - static_cast<std::int64_t>(stats.size() / per_step);
  for (std::size_t i = 0; i < stats.size(); i += per_step) {
    ++step;
    const std::span<const double> own(&stats[i], per_step), losses = own.first(per_step - 2);
    const LossValues values = loss_.values(losses);
    check_losses(values, step);
    check_gradient(own[losses.size()], loss_scale_ ? &own[losses.size() + 1] : nullptr, step);
    body(values);
  }
}

StepState StepExecutor::state() const {
  StepState state;
  state.matched_weight = weights_.matched();
  if (loss_scale_) {
    const std::vector<double> scale = download(backend_, loss_scale_);
    state.loss_scale = {scale[0], scale[1]};
  }
  return state;
}

}  // namespace tandem

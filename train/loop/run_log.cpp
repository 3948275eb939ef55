#include "train/loop/run_log.h"

#include <fmt/format.h>

namespace tandem {
namespace {

using nlohmann::ordered_json;

/// "total", then each term by its name.
ordered_json to_json(const LossValues& losses) {
  ordered_json json{{"total", losses.total}};
  for (const LossValue& term : losses.terms) json[term.name] = term.value;
  return json;
}

ordered_json to_json(const Scores& scores) {
  const Accuracy& a = scores.accuracy;
  ordered_json json{{"top1", a.top1}, {"top5", a.top5}, {"loss", a.loss}};
  if (scores.recall_at_1) json["recall_at_1"] = *scores.recall_at_1;
  return json;
}

/// "top-1 0.750", or recall@1 where the classifier is not trained.
std::string summary(const Scores& scores) {
  return scores.recall_at_1 ? fmt::format("recall@1 {:.3f}", *scores.recall_at_1)
                            : fmt::format("top-1 {:.3f}", scores.accuracy.top1);
}

}  // namespace

ordered_json epoch_figures(const EpochRecord& record) {
  ordered_json figures{{"loss", to_json(record.losses)}};
  if (record.scores) figures["eval"] = to_json(*record.scores);
  if (record.averaged) figures["eval_ema"] = to_json(*record.averaged);
  return figures;
}

RunLog::RunLog(MetricsLog& metrics, std::ostream& out, const Epochs& epochs)
    : metrics_(metrics), progress_(out, Progress::standard_error()), epochs_(epochs) {}

void RunLog::step(const StepRecord& record) {
  const std::int64_t epoch = epochs_.of_step(record.step), begin = epochs_.begin_of(epoch);
  epoch_seconds_ += record.seconds;
  epoch_images_ += record.images;
  metrics_.append({{"event", "step"},
                   {"epoch", epoch + 1},
                   {"step", record.step + 1},
                   {"loss", to_json(record.losses)},
                   {"lr", record.lr},
                   {"images_per_s", record.images / record.seconds}});
  progress_.step({static_cast<int>(epoch) + 1, epochs_.count(), record.step + 1 - begin, epochs_.end_of(epoch) - begin,
                  record.images, record.losses},
                 record.end);
}

void RunLog::epoch(const EpochRecord& record) {
  // Unknown where another process trained the whole epoch.
  const double rate = epoch_seconds_ > 0 ? static_cast<double>(epoch_images_) / epoch_seconds_ : 0;
  epoch_seconds_ = 0;
  epoch_images_ = 0;
  ordered_json event{{"event", "epoch"}, {"epoch", record.epoch + 1}, {"step", epochs_.end_of(record.epoch)}};
  const ordered_json figures = epoch_figures(record);
  event["loss"] = figures.at("loss");
  event["lr"] = record.lr;
  event["images_per_s"] = rate > 0 ? ordered_json(rate) : ordered_json(nullptr);
  event.update(figures);
  std::string line = fmt::format("epoch {}/{}  loss {:.4f} ({})", record.epoch + 1, epochs_.count(),
                                 record.losses.total, summary(record.losses));
  if (record.scores) line += "  " + summary(*record.scores);
  if (record.averaged) line += ", averaged weights " + summary(*record.averaged);
  if (!record.best.empty()) line += " (" + record.best + ")";
  metrics_.append(event);
  progress_.line(rate > 0 ? line + fmt::format("  {:.1f} images/s", rate) : line);
  if (record.scores && record.scores->collapsed) progress_.line("warning: the embeddings have collapsed to a point");
}

void RunLog::stop(std::int64_t steps, const Scores& scores) {
  metrics_.append({{"event", "stop"}, {"step", steps}, {"eval", to_json(scores)}});
  progress_.line(fmt::format("after step {}: {}", steps, summary(scores)));
}

void RunLog::line(std::string_view text) {
  if (!text.empty()) progress_.line(text);
}

}  // namespace tandem

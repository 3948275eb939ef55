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

}  // namespace

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
  ordered_json event{{"event", "epoch"},
                     {"epoch", record.epoch + 1},
                     {"step", epochs_.end_of(record.epoch)},
                     {"loss", to_json(record.losses)},
                     {"lr", record.lr},
                     {"images_per_s", rate > 0 ? ordered_json(rate) : ordered_json(nullptr)}};
  std::string line = fmt::format("epoch {}/{}  loss {:.4f} ({})", record.epoch + 1, epochs_.count(),
                                 record.losses.total, summary(record.losses));
  if (const auto& scores = record.scores) {
    event["eval"] = to_json(*scores);
    line += fmt::format("  {} {:.3f}", scores->recall_at_1 ? "recall@1" : "top-1", scores->ranked());
  }
  if (record.averaged) {
    event["eval_ema"] = to_json(*record.averaged);
    line += fmt::format(", averaged weights {:.3f}", record.averaged->ranked());
  }
  if (record.best) line += " (best)";
  metrics_.append(event);
  progress_.line(rate > 0 ? line + fmt::format("  {:.1f} images/s", rate) : line);
  if (record.scores && record.scores->collapsed) progress_.line("warning: the embeddings have collapsed to a point");
}

void RunLog::line(std::string_view text) {
  if (!text.empty()) progress_.line(text);
}

}  // namespace tandem

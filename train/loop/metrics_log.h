#pragma once
// metrics.jsonl: one JSON object on each line, appended as the run goes.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace tandem {

class MetricsLog {
 public:
  /// Opens the file for appending, and makes it if it does not exist. Error if that fails.
  explicit MetricsLog(std::filesystem::path path);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  /// Appends a line with a single write call, so that a run that is killed leaves at most its last line incomplete.
  /// Numbers that are not finite become null. Error if the line could not be written whole.
  void append(const nlohmann::ordered_json& event);

  /// For a run that resumes after `step`: drops the lines whose "step" is larger, and an incomplete last line. Lines
  /// without "step" stay. Lines of the event "stop" go: the run goes on as if it had not been stopped. With
  /// `epoch_is_open`, the run will log the epoch that `step` ends once more: that line is dropped too. So are lines
  /// with NULs, which a power cut leaves where the data had not reached the disk. The file is replaced atomically.
  /// Returns how many lines had NULs. InputError, naming the line, if another line is not a JSON object.
  int truncate_after(std::int64_t step, bool epoch_is_open = false);

 private:
  void open();
  void close();

  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace tandem

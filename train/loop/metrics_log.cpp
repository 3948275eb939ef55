#include "train/loop/metrics_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "core/base/error.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

/// Whether a line belongs to a run that has done `step` steps. InputError if it is not a JSON object.
bool is_kept(const std::string& line, std::int64_t step, bool epoch_is_open, const std::string& where) {
  const nlohmann::json event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!event.is_object()) fail_input("{}: not a JSON object, expected an event of the metrics log", where);
  if (event.value("event", nlohmann::json()) == "stop") return false;
  const auto found = event.find("step");
  if (found == event.end()) return true;
  if (!found->is_number_integer()) fail_input("{}: /step is not an integer", where);
  const auto at = found->get<std::int64_t>();
  return at < step || (at == step && !(epoch_is_open && event.value("event", nlohmann::json()) == "epoch"));
}

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path) : path_(std::move(path)) { open(); }

MetricsLog::~MetricsLog() { close(); }

void MetricsLog::open() {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail("{}: cannot open for appending: {}", path_.string(), std::strerror(errno));
}

void MetricsLog::close() {
  if (file_ >= 0) (void)::close(std::exchange(file_, -1));
}

void MetricsLog::append(const nlohmann::ordered_json& event) {
  const std::string line = event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
  ssize_t written = -1;
  do {
    written = ::write(file_, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) fail("{}: cannot write: {}", path_.string(), std::strerror(errno));
  if (static_cast<std::size_t>(written) != line.size()) fail("{}: cannot write: the disk is full", path_.string());
}

int MetricsLog::truncate_after(std::int64_t step, bool epoch_is_open) {
  std::ifstream in(path_, std::ios::binary);
  std::string kept;
  std::string line;
  int damaged = 0;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find('\0') != std::string::npos) {
      ++damaged;
      continue;
    }
    if (in.eof()) break;  // No newline: the run ended while it wrote this line.
    if (is_kept(line, step, epoch_is_open, fmt::format("{}:{}", path_.string(), number))) kept += line + '\n';
  }
  if (in.bad()) fail("{}: cannot read: {}", path_.string(), std::strerror(errno));
  write_file_atomically(path_, kept);
  close();  // The open file is the one that has just been replaced.
  open();
  return damaged;
}

}  // namespace tandem

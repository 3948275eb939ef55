#include "train/loop/metrics_log.h"

#include <fstream>
#include <iterator>
#include <limits>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/train/loop/limits.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;
using test::contains;
using test::error_of;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("events are lines in the order of their keys") {
  const test::TempDir folder;
  const auto path = folder / "metrics.jsonl";
  {
    MetricsLog log(path);
    log.append({{"event", "step"}, {"step", 1}, {"loss", {{"total", 0.1}}}});
    CHECK(content(path) == "{\"event\":\"step\",\"step\":1,\"loss\":{\"total\":0.1}}\n");  // At once, not at the end.
  }
  MetricsLog(path).append({{"text", "a\nb"}, {"bad", std::numeric_limits<double>::quiet_NaN()}});
  CHECK(content(path) ==
        "{\"event\":\"step\",\"step\":1,\"loss\":{\"total\":0.1}}\n{\"text\":\"a\\nb\",\"bad\":null}\n");
}

TEST_CASE("a resumed run drops later lines and a torn one") {
  const test::TempDir folder;
  const std::string kept = "{\"event\":\"start\"}\n{\"step\": 1}\n{\"step\":2,\"x\":3}\n";
  const auto path = folder.write("metrics.jsonl", kept + "{\"step\":3}\n{\"step\":3,\"eval\":1}\n{\"step\":2,\"to");
  MetricsLog log(path);
  log.truncate_after(2);
  CHECK(content(path) == kept);
  log.append({{"step", 3}});
  CHECK(content(path) == kept + "{\"step\":3}\n");
}

TEST_CASE("the end of an epoch that is open is dropped") {
  const test::TempDir folder;
  const std::string kept = "{\"event\":\"epoch\",\"step\":1}\n{\"event\":\"step\",\"step\":2}\n";
  const std::string end = "{\"event\":\"epoch\",\"step\":2}\n";
  const auto path = folder.write("metrics.jsonl", kept + end + "{\"event\":\"step\",\"step\":3}\n");
  MetricsLog(path).truncate_after(2, false);
  CHECK(content(path) == kept + end);
  MetricsLog(path).truncate_after(2, true);
  CHECK(content(path) == kept);
}

TEST_CASE("the torn line is dropped even if it is whole but for its end") {
  const test::TempDir folder;
  const auto path = folder.write("metrics.jsonl", "{\"step\":1}\n{\"step\":2}");
  MetricsLog(path).truncate_after(2);
  CHECK(content(path) == "{\"step\":1}\n");
}

TEST_CASE("lines that a power cut has filled with NULs are dropped and counted") {
  const test::TempDir folder;
  const std::string nuls(5000, '\0');
  const std::string before = "{\"step\":1}\n", after = "{\"step\":2}\n";
  const struct {
    std::string text;
    int damaged;
    std::string kept;
  } rows[] = {
      {before + after, 0, before + after},
      {before + after + nuls, 1, before + after},
      {before + "{\"st" + nuls + "\n", 1, before},
      {before + "{\"st" + nuls + "\n" + after, 1, before + after},
      {nuls + "\n" + nuls + "\n" + before, 2, before},
      {nuls, 1, ""},
      {before + "{\"step\":\"a" + std::string(1, '\0') + "b\"}\n" + after, 1, before + after},
  };
  for (const auto& row : rows) {
    const auto path = folder.write("metrics.jsonl", row.text);
    CHECK(MetricsLog(path).truncate_after(2) == row.damaged);
    CHECK(content(path) == row.kept);
  }
}

TEST_CASE("a new log can be truncated") {
  const test::TempDir folder;
  MetricsLog log(folder / "metrics.jsonl");
  log.truncate_after(0);
  log.append({{"step", 1}});
  CHECK(content(folder / "metrics.jsonl") == "{\"step\":1}\n");
}

TEST_CASE("a log that is not one is refused with its line") {
  const test::TempDir folder;
  const auto refused = [&](const std::string& line) {
    const auto path = folder.write("metrics.jsonl", "{\"step\":1}\n" + line + "\n");
    const std::string error = error_of([&] { MetricsLog(path).truncate_after(5); });
    CHECK(content(path) == "{\"step\":1}\n" + line + "\n");
    return contains(error, "2: " + path.string() + ":2: ");
  };
  CHECK(refused("not json"));
  CHECK(refused("[1]"));
  CHECK(refused(""));
  CHECK(refused("{\"step\":\"one\"}"));
  CHECK_FALSE(refused("{\"step\":1}"));
}

TEST_CASE("a log that cannot be written is an error") {
  const test::TempDir folder;
  const auto path = folder / "metrics.jsonl";
  MetricsLog log(path);
  log.append({{"step", 1}});
  std::string first;
  std::string second;
  {
    const test::FileSizeLimit full(16);
    first = error_of([&] { log.append({{"step", 2}}); });   // A part of the line fits.
    second = error_of([&] { log.append({{"step", 2}}); });  // Nothing does.
  }
  CHECK(first == "1: " + path.string() + ": cannot write: the disk is full");
  CHECK(second == "1: " + path.string() + ": cannot write: File too large");
  log.truncate_after(2);
  CHECK(content(path) == "{\"step\":1}\n");
  CHECK(contains(error_of([&] { MetricsLog(folder / "no/metrics.jsonl"); }),
                 "cannot open for appending: No such file or directory"));
}

}  // namespace
}  // namespace tandem

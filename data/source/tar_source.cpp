#include "data/source/tar_source.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/error.h"
#include "core/base/thread_pool.h"
#include "data/list/files.h"
#include "data/source/format/tar_file.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostOfLabel = 4096, kMostOfJson = std::uint64_t{1} << 20;

enum class LabelKind { text, json, folder };

/// The parts of a member's name: "apple/0001" and "jpg" of "apple/0001.jpg".
struct Parts {
  std::string key, ending;
};

Parts parts_of(const std::string& name) {
  const std::size_t slash = name.rfind('/'), begin = slash == std::string::npos ? 0 : slash + 1;
  const std::size_t dot = name.find('.', begin);
  if (dot == std::string::npos) return {name, ""};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// A sample of a shard; places count its members.
struct Sample {
  std::string label;
  LabelKind kind;
  TarMember image;
};

struct Shard {
  std::vector<Sample> samples;
  std::size_t without_image = 0;
};

std::string text_of(const DataFile& file, const TarMember& member, std::uint64_t most) {
  if (member.bytes > most)
    fail_input("{}:{}: {} bytes: expected at most {}", file.path().string(), member.name, member.bytes, most);
  const std::vector<std::uint8_t> bytes = file.piece(member.begin, member.bytes);
  return {bytes.begin(), bytes.end()};
}

std::string label_in_text(std::string text) {
  constexpr const char* kBlanks = " \t\r\n";
  text.resize(text.find_last_not_of(kBlanks) + 1);
  return text.substr(std::min(text.size(), text.find_first_not_of(kBlanks)));
}

std::optional<std::string> label_in_json(const std::string& text, const std::string& title) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) fail_input("{}: expected a JSON object", title);
  for (const char* key : {"label", "cls", "class"}) {
    const auto value = json.find(key);
    if (value == json.end()) continue;
    if (value->is_string()) return value->get<std::string>();
    if (value->is_number_integer()) return value->dump();
    fail_input("{}: \"{}\" is neither a name nor an integer", title, key);
  }
  return std::nullopt;
}

/// The members that make one sample.
class SampleReader {
 public:
  SampleReader(const DataFile& file, std::span<const TarMember> members) : file_(file), members_(members) {}

  std::optional<Sample> read() const {
    const TarMember *image = nullptr, *text = nullptr, *json = nullptr;
    for (const TarMember& member : members_) {
      const std::string ending = parts_of(member.name).ending;
      if (ending == "cls") text = &member;
      if (ending == "json") json = &member;
      if (!is_image_name("x." + ending) || ending.find('.') != std::string::npos) continue;
      if (image != nullptr)
        fail_input("{}:{}: a second image of the sample: expected one", file_.path().string(), member.name);
      image = &member;
    }
    if (image == nullptr) return std::nullopt;
    if (text != nullptr) return Sample{label_in_text(text_of(file_, *text, kMostOfLabel)), LabelKind::text, *image};
    if (json != nullptr)
      if (auto label = label_in_json(text_of(file_, *json, kMostOfJson), title(*json)))
        return Sample{*label, LabelKind::json, *image};
    return Sample{folder_in(*image), LabelKind::folder, *image};
  }

 private:
  std::string title(const TarMember& member) const { return file_.path().string() + ":" + member.name; }

  std::string folder_in(const TarMember& image) const {
    std::string folder = fs::path(image.name).parent_path().filename().string();
    if (folder.empty() || folder == "." || folder == "..")
      fail_input("{}: no label: expected a .cls or .json file beside it, or a folder called as its class",
                 title(image));
    return folder;
  }

  const DataFile& file_;
  std::span<const TarMember> members_;
};

Shard read_shard(const DataFile& file) {
  const std::vector<TarMember> members = read_tar(file);
  Shard shard;
  for (std::size_t begin = 0, end = 0; begin < members.size(); begin = end) {
    const std::string key = parts_of(members[begin].name).key;
    for (end = begin + 1; end < members.size() && parts_of(members[end].name).key == key;) ++end;
    if (auto sample = SampleReader(file, std::span(members).subspan(begin, end - begin)).read())
      shard.samples.push_back(std::move(*sample));
    else
      ++shard.without_image;
  }
  return shard;
}

}  // namespace

TarSource::TarSource(const std::string& name, const std::vector<fs::path>& shards, const ExpectedClasses& expected) {
  source_ = name;
  for (const fs::path& shard : shards) files_.emplace_back(shard);
  std::vector<Shard> read(shards.size());
  parallel_for_each(shards.size(), 0, [&](std::size_t i) { read[i] = read_shard(files_[i]); });
  LabelWords words;
  std::size_t without_image = 0;
  std::optional<LabelKind> kind;
  for (std::uint32_t i = 0; i < read.size(); ++i) {
    for (Sample& sample : read[i].samples) {
      places_.push_back({sample.image.begin, sample.image.bytes, i});
      members_.push_back(std::move(sample.image.name));
      words.add(sample.label);
      if (kind.value_or(sample.kind) != sample.kind)
        fail_input("{}: labelled in another way than the image before: expected .cls, .json or a folder for all",
                   title(members_.size() - 1));
      kind = sample.kind;
    }
    without_image += read[i].without_image;
  }
  if (without_image > 0)
    oddities_.push_back(
        fmt::format("{}: not read: {} sample{} without an image", name, without_image, without_image == 1 ? "" : "s"));
  label_images(words, kind == LabelKind::folder, ClassNames::read({shards[0].parent_path()}, expected.number),
               expected);
}

std::string TarSource::name(std::size_t i) const { return file_of(i).path().string() + ":" + members_[i]; }

std::string TarSource::identity(std::size_t i) const {
  return file_of(i).path().filename().string() + ":" + members_[i];
}

ImageContent TarSource::content(std::size_t i, std::int64_t) const { return stored(i); }

}  // namespace tandem

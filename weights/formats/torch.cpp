// What torch.save writes: a zip archive, or before PyTorch 1.6 a row of pickles with the storages behind them.

#include <unordered_map>

#include "weights/content.h"
#include "weights/formats/formats.h"
#include "weights/torch/tensors.h"
#include "weights/torch/zip_archive.h"

namespace tandem {
namespace {

using Bytes = std::span<const std::byte>;

/// PROTO 2, then LONG1 with the ten bytes of PyTorch's magic number.
constexpr std::string_view kLegacyBeginning("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14);
constexpr std::int64_t kLegacyVersion = 1001;

/// The storages behind the pickles of an old file: for each key, in the order of a list of keys, the number of elements
/// and then these.
class LegacyStorages {
 public:
  LegacyStorages(const std::filesystem::path& path, Bytes bytes) : path_(path), bytes_(bytes) {}

  void read(const pickle::Value& keys, const std::unordered_map<std::string, std::string_view>& dtypes) {
    const auto* list = keys.as<pickle::List>();
    if (!list) refuse_file(path_, "its last pickle is {}, expected the list of its storages", describe(keys));
    for (const pickle::Value* key : list->items) {
      const auto* text = key->as<pickle::Text>();
      if (!text) refuse_file(path_, "a storage's key is {}, expected a string", describe(*key));
      const auto dtype = dtypes.find(text->text);
      if (dtype == dtypes.end()) refuse_file(path_, "the storage {} belongs to no tensor", text->text);
      const auto elements = static_cast<std::size_t>(read_number<std::uint64_t>(take(8), 0));
      const std::size_t size = element_size(dtype->second);
      if (elements > bytes_.size() / size) truncated();
      storages_[text->text] = take(elements * size);
    }
  }

  Bytes find(const std::string& key) const {
    const auto found = storages_.find(key);
    if (found == storages_.end()) refuse_file(path_, "has no storage {}", key);
    return found->second;
  }

 private:
  [[noreturn]] void truncated() const { refuse_file(path_, "truncated: ends within its storages"); }
  Bytes take(std::size_t count) {
    if (bytes_.size() < count) truncated();
    const Bytes taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  const std::filesystem::path& path_;
  Bytes bytes_;
  std::unordered_map<std::string, Bytes> storages_;
};

/// Remembers which type each storage has, since an old file tells its length in elements.
class LegacyMeaning : public pickle::TorchMeaning {
 public:
  using TorchMeaning::TorchMeaning;
  pickle::Value persistent(const pickle::Value& id) override {
    pickle::Value value = TorchMeaning::persistent(id);
    if (const auto* storage = value.as<pickle::Storage>()) dtypes_.emplace(storage->key, storage->dtype);
    return value;
  }
  const std::unordered_map<std::string, std::string_view>& dtypes() const { return dtypes_; }

 private:
  std::unordered_map<std::string, std::string_view> dtypes_;
};

void check_legacy_beginning(const std::filesystem::path& path, pickle::PickleMachine& machine) {
  (void)machine.read();  // the magic number, by which the file was recognised
  const pickle::Value& version = machine.read();
  if (!version.as<std::int64_t>() || *version.as<std::int64_t>() != kLegacyVersion)
    refuse_file(path, "of a version of PyTorch's old format that is not {}", kLegacyVersion);
  const pickle::Value& system = machine.read();
  if (const auto* facts = system.as<pickle::Dict>())
    for (const auto& [key, value] : facts->items)
      if (const auto* text = key->as<pickle::Text>();
          text && text->text == "little_endian" && value->as<bool>() && !*value->as<bool>())
        refuse_file(path, "written on a big-endian machine, expected little endian");
}

}  // namespace

bool is_torch_zip(std::string_view beginning) { return beginning.starts_with("PK\x03\x04"); }

WeightsFile read_torch_zip(const std::filesystem::path& path) {
  const auto content = std::make_shared<const FileContent>(path);
  const ZipArchive archive(path, content->bytes());
  constexpr std::string_view kPickle = "data.pkl";
  std::string folder;  // "archive/"
  Bytes pickle;
  for (const auto& [name, bytes] : archive.entries()) {
    if (name != kPickle && !name.ends_with("/data.pkl")) continue;
    folder = name.substr(0, name.size() - kPickle.size());
    pickle = bytes;
    break;
  }
  if (pickle.empty()) refuse_file(path, "a zip archive without data.pkl, expected one that torch.save wrote");
  if (const auto order = archive.entries().find(folder + "byteorder"); order != archive.entries().end())
    if (text_of(order->second) != "little")
      refuse_file(path, "written on a big-endian machine, expected little endian");

  WeightsFile file;
  file.path = path;
  file.format = "PyTorch (zip)";
  file.owners.push_back(content);
  pickle::TorchMeaning meaning(path);
  pickle::PickleMachine machine(path, pickle, meaning);
  const auto find_storage = [&](const std::string& key) {
    const auto found = archive.entries().find(folder + "data/" + key);
    if (found == archive.entries().end()) refuse_file(path, "has no storage {}", key);
    return found->second;
  };
  collect_tensors(machine.read(), meaning, find_storage, content->bytes().size(), file);
  return file;
}

bool is_torch_legacy(std::string_view beginning) { return beginning.starts_with(kLegacyBeginning); }

WeightsFile read_torch_legacy(const std::filesystem::path& path) {
  const auto content = std::make_shared<const FileContent>(path);
  LegacyMeaning meaning(path);
  pickle::PickleMachine machine(path, content->bytes(), meaning);
  check_legacy_beginning(path, machine);
  const pickle::Value& root = machine.read();
  const pickle::Value& keys = machine.read();
  LegacyStorages storages(path, content->bytes().subspan(machine.position()));
  storages.read(keys, meaning.dtypes());

  WeightsFile file;
  file.path = path;
  file.format = "PyTorch (legacy)";
  file.owners.push_back(content);
  collect_tensors(
      root, meaning, [&](const std::string& key) { return storages.find(key); }, content->bytes().size(), file);
  return file;
}

}  // namespace tandem

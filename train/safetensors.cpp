#include "train/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/error.h"
#include "train/atomic_file.h"

namespace tandem {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little endian and is not swapped here");

using Json = nlohmann::json;

constexpr std::size_t kPrefix = 8;                     // The header's length.
constexpr std::uint64_t kLargestHeader = 100'000'000;  // The limit of the format's own reader.
constexpr std::size_t kDigits = 32;                    // Of a checksum.

std::size_t bytes_of(std::string_view dtype) {
  struct Size {
    std::string_view dtype;
    std::size_t bytes;
  };
  static constexpr auto kSizes = std::to_array<Size>({{"F64", 8},
                                                      {"F32", 4},
                                                      {"F16", 2},
                                                      {"BF16", 2},
                                                      {"I64", 8},
                                                      {"I32", 4},
                                                      {"I16", 2},
                                                      {"I8", 1},
                                                      {"U64", 8},
                                                      {"U32", 4},
                                                      {"U16", 2},
                                                      {"U8", 1},
                                                      {"BOOL", 1}});
  for (const auto& [known, bytes] : kSizes)
    if (dtype == known) return bytes;
  return 0;
}

/// Bytes of a tensor; nothing if the dtype is not known, a size is negative, or the product overflows.
std::optional<std::uint64_t> bytes_of(std::string_view dtype, std::span<const std::int64_t> shape) {
  std::uint64_t bytes = bytes_of(dtype);
  if (bytes == 0) return std::nullopt;
  for (const std::int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes)) return std::nullopt;
  return bytes;
}

class Checksum {
 public:
  Checksum() : state_(XXH3_createState()) {
    if (!state_) throw std::bad_alloc();
    (void)XXH3_128bits_reset(state_.get());
  }
  void add(const void* bytes, std::size_t count) { (void)XXH3_128bits_update(state_.get(), bytes, count); }
  /// The 32 digits of what was added.
  std::string digits() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    std::string text;
    for (const unsigned char byte : canonical.digest) text += fmt::format("{:02x}", byte);
    return text;
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { (void)XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

/// Where the checksum's digits are in a header, or npos.
std::size_t find_digits(std::string_view header) {
  const std::string before = fmt::format("\"{}\":\"", kChecksumKey);
  const std::size_t at = header.find(before);
  if (at == std::string_view::npos || header.size() - at < before.size() + kDigits) return std::string_view::npos;
  return at + before.size();
}

// --- Writing -------------------------------------------------------------------------------------------------------

std::string header_of(std::span<const SafetensorsEntry> entries, const SafetensorsMetadata& metadata) {
  nlohmann::ordered_json header;
  auto& strings = header["__metadata__"];
  strings[std::string(kChecksumKey)] = std::string(kDigits, '0');
  for (const auto& [key, value] : metadata) strings[key] = value;
  std::uint64_t offset = 0;
  for (const auto& entry : entries) {
    require(!header.contains(entry.name), "safetensors: the tensor {} occurs twice", entry.name);
    require(bytes_of(entry.dtype, entry.shape) == entry.data.size(),
            "safetensors: the tensor {} is {} [{}], but has {} bytes", entry.name, entry.dtype,
            fmt::join(entry.shape, ", "), entry.data.size());
    header[entry.name] = {
        {"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {offset, offset + entry.data.size()}}};
    offset += entry.data.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const SafetensorsEntry> entries,
                       const SafetensorsMetadata& metadata) {
  require(!metadata.contains(std::string(kChecksumKey)), "safetensors: {} is the writer's own key", kChecksumKey);
  std::string header = header_of(entries, metadata);
  const std::uint64_t length = header.size();

  Checksum checksum;
  checksum.add(&length, kPrefix);
  checksum.add(header.data(), header.size());
  for (const auto& entry : entries) checksum.add(entry.data.data(), entry.data.size());
  header.replace(find_digits(header), kDigits, checksum.digits());

  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const auto& entry : entries) file.write(entry.data);
  file.commit();
}

// --- Reading -------------------------------------------------------------------------------------------------------

namespace {

struct FileBytes {
  std::unique_ptr<std::byte[]> bytes;
  std::size_t size = 0;
};

FileBytes read_bytes(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail_input("{}: cannot open: {}", path, std::strerror(errno));
  const auto close = [](const int* f) { (void)::close(*f); };
  const std::unique_ptr<const int, decltype(close)> closer(&file, close);

  struct stat status {};
  if (::fstat(file, &status) != 0) fail_input("{}: cannot read: {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail_input("{}: not a file, expected a safetensors file", path);
  FileBytes read;
  const auto size = static_cast<std::size_t>(status.st_size);
  read.bytes.reset(new std::byte[size]);  // Not make_unique, which would write zeros first.
  while (read.size < size) {
    const ssize_t count = ::read(file, read.bytes.get() + read.size, size - read.size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_input("{}: cannot read: {}", path, std::strerror(errno));
    if (count == 0) fail_input("{}: became shorter while it was read", path);
    read.size += static_cast<std::size_t>(count);
  }
  return read;
}

/// What a file's header says, checked step by step; every error names the file.
class HeaderReader {
 public:
  HeaderReader(std::string path, std::span<const std::byte> file) : path_(std::move(path)) {
    if (file.size() < kPrefix)
      refuse("{} bytes long, expected a safetensors file, which begins with the 8-byte length of its header",
             file.size());
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), kPrefix);
    if (length > kLargestHeader || length > file.size() - kPrefix)
      refuse("says that its header is {} bytes long, of a file of {}: truncated, or not a safetensors file", length,
             file.size());
    text_ = {reinterpret_cast<const char*>(file.data()) + kPrefix, static_cast<std::size_t>(length)};
    data_ = file.subspan(kPrefix + text_.size());
  }

  std::string_view text() const { return text_; }
  std::span<const std::byte> data() const { return data_; }

  void parse(std::vector<SafetensorsEntry>& entries, SafetensorsMetadata& metadata) const {
    const Json header = parse_json();
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        read_metadata(value, metadata);
      } else {
        entries.push_back(read_entry(name, value));
      }
    }
    // Offsets are pointers into data_ by now; without gaps, each tensor begins where the one before it ends.
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return std::pair(a.data.data(), a.data.size()) < std::pair(b.data.data(), b.data.size());
    });
    const std::byte* expected = data_.data();
    for (const auto& entry : entries) {
      if (entry.data.data() != expected)
        refuse("the tensor {} does not begin where the one before it ends", entry.name);
      expected += entry.data.size();
    }
    if (expected != data_.data() + data_.size())
      refuse("has {} bytes of data, but its tensors take {}", data_.size(), expected - data_.data());
  }

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    std::string message = fmt::format(format, std::forward<Args>(args)...);
    for (char& c : message)  // A damaged name may hold anything.
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
    fail_input("{}: {}", path_, message);
  }

 private:
  Json parse_json() const {
    constexpr int kDeepest = 3;  // header > tensor > shape
    std::set<std::string> names;
    const auto strictly = [&](int depth, Json::parse_event_t event, Json& value) {
      if (depth > kDeepest) refuse("its header is nested too deep for a safetensors file");
      if (event == Json::parse_event_t::key && depth == 1 && !names.insert(value.get<std::string>()).second)
        refuse("its header has {} twice", value.dump());
      return true;
    };
    Json header = Json::parse(text_, strictly, /*allow_exceptions=*/false);
    if (!header.is_object()) refuse("its header is not a JSON object: damaged, or not a safetensors file");
    return header;
  }

  void read_metadata(const Json& value, SafetensorsMetadata& metadata) const {
    if (!value.is_object()) refuse("/__metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) refuse("/__metadata__/{} is not a string", key);
      metadata[key] = text.get<std::string>();
    }
  }

  SafetensorsEntry read_entry(const std::string& name, const Json& value) const {
    SafetensorsEntry entry{name, "", {}, {}};
    const auto field = [&, this](const char* key) -> const Json& {
      if (!value.is_object() || !value.contains(key)) refuse("the tensor {} has no {}", name, key);
      return value[key];
    };
    const Json& dtype = field("dtype");
    if (!dtype.is_string() || bytes_of(dtype.get<std::string>()) == 0)
      refuse("the tensor {} has the unknown dtype {}", name, dtype.dump());
    entry.dtype = dtype.get<std::string>();
    for (const std::uint64_t size : read_naturals(name, field("shape")))
      entry.shape.push_back(static_cast<std::int64_t>(size));
    const auto offsets = read_naturals(name, field("data_offsets"));
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_.size())
      refuse("the tensor {} is at {}, of {} bytes of data: truncated or damaged", name, field("data_offsets").dump(),
             data_.size());
    if (bytes_of(entry.dtype, entry.shape) != offsets[1] - offsets[0])
      refuse("the tensor {} is {} {}, but has {} bytes", name, entry.dtype, field("shape").dump(),
             offsets[1] - offsets[0]);
    entry.data = data_.subspan(offsets[0], offsets[1] - offsets[0]);
    return entry;
  }

  std::vector<std::uint64_t> read_naturals(const std::string& name, const Json& list) const {
    std::vector<std::uint64_t> naturals;
    if (!list.is_array()) refuse("the tensor {} has {} where a list was expected", name, list.dump());
    for (const Json& element : list) {
      if (!element.is_number_unsigned() || element.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
        refuse("the tensor {} has {} where a size or an offset was expected", name, element.dump());
      naturals.push_back(element.get<std::uint64_t>());
    }
    return naturals;
  }

  std::string path_;
  std::string_view text_;
  std::span<const std::byte> data_;
};

/// The checksum of a file with such a header.
std::string checksum_of(std::string_view header, std::span<const std::byte> data) {
  std::string blank(header);
  if (const std::size_t digits = find_digits(header); digits != std::string_view::npos)
    blank.replace(digits, kDigits, kDigits, '0');
  const std::uint64_t length = header.size();
  Checksum checksum;
  checksum.add(&length, kPrefix);
  checksum.add(blank.data(), blank.size());
  checksum.add(data.data(), data.size());
  return checksum.digits();
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) {
  FileBytes file = read_bytes(path.string());
  bytes_ = std::move(file.bytes);
  const HeaderReader header(path.string(), {bytes_.get(), file.size});
  header.parse(entries_, metadata_);

  if (const auto stored = metadata_.extract(std::string(kChecksumKey)); !stored.empty()) {
    has_checksum_ = true;
    if (const std::string actual = checksum_of(header.text(), header.data()); actual != stored.mapped())
      header.refuse("its checksum is {}, but it says {}: damaged, or changed by another program", actual,
                    Json(stored.mapped()).dump());
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) index_[entries_[i].name] = i;
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

}  // namespace tandem

#include "io/safetensors.h"

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

#include "core/base/error.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little endian and is not swapped here");

using Json = nlohmann::json;

constexpr std::size_t kPrefix = 8;                     // The header's length.
constexpr std::uint64_t kLargestHeader = 100'000'000;  // The limit of the format's own reader.
constexpr std::size_t kDigits = 32;                    // Of a checksum.

/// Bytes of a tensor; nothing if the dtype is not known, a size is negative, or the product overflows.
std::optional<std::uint64_t> bytes_of(std::string_view dtype, std::span<const std::int64_t> shape) {
  std::uint64_t bytes = element_size(dtype);
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

std::size_t element_size(std::string_view dtype) {
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

/// A file that is read from its beginning on; every error names it.
class InputFile {
 public:
  explicit InputFile(const std::string& path) : path_(path), file_{::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {
    if (file_.number < 0) fail_input("{}: cannot open: {}", path_, std::strerror(errno));
    struct stat status {};
    if (::fstat(file_.number, &status) != 0) fail_input("{}: cannot read: {}", path_, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) fail_input("{}: not a file, expected a safetensors file", path_);
    left_ = static_cast<std::uint64_t>(status.st_size);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Bytes not read yet.
  std::uint64_t left() const { return left_; }

  void read(void* bytes, std::size_t size) {
    for (auto* to = static_cast<char*>(bytes); size > 0;) {
      const ssize_t count = ::read(file_.number, to, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_input("{}: cannot read: {}", path_, std::strerror(errno));
      if (count == 0) fail_input("{}: became shorter while it was read", path_);
      to += count;
      size -= static_cast<std::size_t>(count);
      left_ -= static_cast<std::uint64_t>(count);
    }
  }

 private:
  struct Descriptor {
    int number;
    ~Descriptor() {
      if (number >= 0) (void)::close(number);
    }
  };

  std::string path_;
  Descriptor file_;
  std::uint64_t left_ = 0;
};

/// A file's header, read and checked step by step before any data is; every error names the file.
class HeaderReader {
 public:
  HeaderReader(std::string path, InputFile& file) : path_(std::move(path)) {
    const std::uint64_t size = file.left();
    if (size < kPrefix)
      refuse("{} bytes long, expected a safetensors file, which begins with the 8-byte length of its header", size);
    std::array<char, kPrefix> prefix{};
    file.read(prefix.data(), kPrefix);
    if (std::string_view(prefix.data(), kPrefix).starts_with("PK\x03\x04"))  // A zip archive, as torch.save makes.
      refuse("a PyTorch file, expected safetensors: tandem-convert makes one");
    const auto length = std::bit_cast<std::uint64_t>(prefix);
    if (length > kLargestHeader) refuse("not a safetensors file");
    if (length > file.left())
      refuse("says that its header is {} bytes long, of a file of {}: truncated, or not a safetensors file", length,
             size);
    text_.resize(static_cast<std::size_t>(length));
    file.read(text_.data(), text_.size());
    data_size_ = file.left();
  }

  std::string_view text() const { return text_; }
  std::uint64_t data_size() const { return data_size_; }

  /// The entries in the order of their data, which is not there yet. Without gaps, each begins where the one before it
  /// ends.
  void parse(std::vector<SafetensorsEntry>& entries, SafetensorsMetadata& metadata) const {
    const Json header = parse_json();
    std::vector<Placed> tensors;
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        read_metadata(value, metadata);
      } else {
        tensors.push_back(read_entry(name, value));
      }
    }
    std::stable_sort(tensors.begin(), tensors.end(), [](const Placed& a, const Placed& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t expected = 0;
    for (Placed& tensor : tensors) {
      if (tensor.begin != expected)
        refuse("the tensor {} does not begin where the one before it ends", tensor.entry.name);
      expected = tensor.end;
      entries.push_back(std::move(tensor.entry));
    }
    if (expected != data_size_) refuse("has {} bytes of data, but its tensors take {}", data_size_, expected);
  }

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    std::string message = fmt::format(format, std::forward<Args>(args)...);
    for (char& c : message)  // A damaged name may hold anything.
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
    fail_input("{}: {}", path_, message);
  }

 private:
  /// A tensor and its place in the data.
  struct Placed {
    SafetensorsEntry entry;
    std::uint64_t begin, end;
  };

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

  Placed read_entry(const std::string& name, const Json& value) const {
    SafetensorsEntry entry{name, "", {}, {}};
    const auto field = [&, this](const char* key) -> const Json& {
      if (!value.is_object() || !value.contains(key)) refuse("the tensor {} has no {}", name, key);
      return value[key];
    };
    const Json& dtype = field("dtype");
    if (!dtype.is_string() || element_size(dtype.get<std::string>()) == 0)
      refuse("the tensor {} has the unknown dtype {}", name, dtype.dump());
    entry.dtype = dtype.get<std::string>();
    for (const std::uint64_t size : read_naturals(name, field("shape")))
      entry.shape.push_back(static_cast<std::int64_t>(size));
    const auto offsets = read_naturals(name, field("data_offsets"));
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_size_)
      refuse("the tensor {} is at {}, of {} bytes of data: truncated or damaged", name, field("data_offsets").dump(),
             data_size_);
    if (bytes_of(entry.dtype, entry.shape) != offsets[1] - offsets[0])
      refuse("the tensor {} is {} {}, but has {} bytes", name, entry.dtype, field("shape").dump(),
             offsets[1] - offsets[0]);
    return {std::move(entry), offsets[0], offsets[1]};
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
  std::string text_;
  std::uint64_t data_size_ = 0;
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
  InputFile file(path.string());
  const HeaderReader header(path.string(), file);
  header.parse(entries_, metadata_);

  const auto size = static_cast<std::size_t>(header.data_size());
  bytes_.reset(new std::byte[size]);  // Not make_unique, which would write zeros first.
  file.read(bytes_.get(), size);
  std::size_t begin = 0;
  for (SafetensorsEntry& entry : entries_) {
    entry.data = {bytes_.get() + begin, static_cast<std::size_t>(*bytes_of(entry.dtype, entry.shape))};
    begin += entry.data.size();
  }

  if (const auto stored = metadata_.extract(std::string(kChecksumKey)); !stored.empty()) {
    has_checksum_ = true;
    if (const std::string actual = checksum_of(header.text(), {bytes_.get(), size}); actual != stored.mapped())
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

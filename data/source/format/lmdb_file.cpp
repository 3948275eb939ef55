#include "data/source/format/lmdb_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "core/base/error.h"

namespace tandem {
namespace {

constexpr std::uint32_t kMagic = 0xbeefc0de, kVersion = 1;
constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
constexpr std::size_t kPageHeader = 16, kNodeHeader = 8, kMetaEnd = 152;
constexpr std::uint16_t kBranch = 1, kLeaf = 2, kOverflow = 4, kMeta = 8,
                        kPageKinds = 0x6f;  // all but "not yet written"
constexpr std::uint16_t kBigData = 1, kSubData = 2, kDuplicates = 4;
constexpr std::uint16_t kIntegerKeys = 8;
constexpr int kMostLevels = 32;

template <class T>
T number_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void put(std::span<std::uint8_t> bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct Meta {
  std::uint64_t page_size, entries, root, last_page, transaction;
  std::uint16_t flags, depth;
};

class Reader {
 public:
  explicit Reader(const DataFile& file) : file_(file) {}

  std::vector<LmdbEntry> read() {
    meta_ = read_meta(0);
    if (const Meta other = read_meta(meta_.page_size); other.transaction > meta_.transaction) meta_ = other;
    if ((meta_.flags & kDuplicates) != 0)
      fail_input("{}: the database has several values for a key: expected one", file_.path().string());
    if (meta_.root != kNoPage) walk(meta_.root, 1);
    if (entries_.size() != meta_.entries)
      damaged(0, fmt::format("{} entries, of which {} are found", meta_.entries, entries_.size()));
    return std::move(entries_);
  }

 private:
  using Page = std::vector<std::uint8_t>;

  [[noreturn]] void damaged(std::uint64_t at, std::string_view what) const {
    fail_input("{}: damaged LMDB file, at byte {}: {}", file_.path().string(), at, what);
  }

  Meta read_meta(std::uint64_t at) const {
    std::array<std::uint8_t, kMetaEnd> page{};
    if (!file_.try_read(at, page)) damaged(at, "the file ends before its header does");
    if (number_at<std::uint32_t>(page, 16) != kMagic) damaged(at, "no header of a database");
    if (const auto version = number_at<std::uint32_t>(page, 20); version != kVersion)
      fail_input("{}: an LMDB file of format {}: expected {}", file_.path().string(), version, kVersion);
    const Meta meta{number_at<std::uint32_t>(page, 40),  number_at<std::uint64_t>(page, 120),
                    number_at<std::uint64_t>(page, 128), number_at<std::uint64_t>(page, 136),
                    number_at<std::uint64_t>(page, 144), number_at<std::uint16_t>(page, 92),
                    number_at<std::uint16_t>(page, 94)};
    const std::uint64_t size = meta.page_size;
    if (size < 256 || size > 32768 || (size & (size - 1)) != 0) damaged(at, fmt::format("pages of {} bytes", size));
    return meta;
  }

  /// Reads the pages below one, and those.
  void walk(std::uint64_t number, int level) {
    const std::uint64_t size = meta_.page_size, at = number * size;
    if (number < 2 || number > meta_.last_page || number >= file_.size() / size)
      damaged(0, fmt::format("page {} of {} is asked for: cut short?", number, file_.size() / size));
    if (level > kMostLevels || ++pages_read_ > meta_.last_page) damaged(at, "pages that lie below themselves");
    const Page page = file_.piece(at, size);
    const auto kind = static_cast<std::uint16_t>(number_at<std::uint16_t>(page, 10) & kPageKinds);
    if (number_at<std::uint64_t>(page, 0) != number || (kind != kBranch && kind != kLeaf))
      damaged(at, "no page of the database");
    if ((kind == kLeaf) != (level == meta_.depth)) damaged(at, "a page at a wrong depth");
    const std::size_t lower = number_at<std::uint16_t>(page, 12);
    if (lower < kPageHeader || lower > size || lower % 2 != 0) damaged(at, "a wrong number of nodes");
    for (std::size_t place = kPageHeader; place < lower; place += 2) {
      const std::size_t node = number_at<std::uint16_t>(page, place);
      if (node < lower || node + kNodeHeader > size) damaged(at + place, "a node outside its page");
      if (kind == kBranch)
        walk(below(page, node), level + 1);
      else
        read_entry(page, node, at);
    }
  }

  static std::uint64_t below(const Page& page, std::size_t node) {
    return number_at<std::uint16_t>(page, node) | std::uint64_t{number_at<std::uint16_t>(page, node + 2)} << 16 |
           std::uint64_t{number_at<std::uint16_t>(page, node + 4)} << 32;
  }

  void read_entry(const Page& page, std::size_t node, std::uint64_t at) {
    const std::uint64_t size = meta_.page_size;
    const auto flags = number_at<std::uint16_t>(page, node + 4);
    const std::size_t key_size = number_at<std::uint16_t>(page, node + 6), value = node + kNodeHeader + key_size;
    const std::uint64_t bytes =
        number_at<std::uint16_t>(page, node) | std::uint64_t{number_at<std::uint16_t>(page, node + 2)} << 16;
    if ((flags & (kSubData | kDuplicates)) != 0)
      fail_input("{}: the database has databases within it: expected one of images", file_.path().string());
    if (value + ((flags & kBigData) != 0 ? 8 : bytes) > size) damaged(at + node, "a node longer than its page");
    LmdbEntry entry{std::string(reinterpret_cast<const char*>(page.data()) + node + kNodeHeader, key_size), at + value,
                    bytes};
    if (!entries_.empty() && entry.key <= entries_.back().key) damaged(at + node, "keys that are out of order");
    if ((flags & kBigData) != 0) entry.begin = overflow(number_at<std::uint64_t>(page, value), bytes, at + node);
    entries_.push_back(std::move(entry));
  }

  /// Where a value on pages of its own begins.
  std::uint64_t overflow(std::uint64_t number, std::uint64_t bytes, std::uint64_t node) const {
    const std::uint64_t size = meta_.page_size, pages = file_.size() / size;
    std::array<std::uint8_t, kPageHeader> header{};
    if (number < 2 || number > meta_.last_page || number >= pages || !file_.try_read(number * size, header))
      damaged(node, fmt::format("its value is on page {} of {}: cut short?", number, pages));
    const std::uint64_t begin = number * size + kPageHeader, given = number_at<std::uint32_t>(header, 12);
    if (number_at<std::uint64_t>(header, 0) != number || (number_at<std::uint16_t>(header, 10) & kOverflow) == 0)
      damaged(number * size, "no page of a value");
    if (kPageHeader + bytes > given * size || bytes > file_.size() - begin)
      damaged(number * size, fmt::format("a value of {} bytes that is cut short", bytes));
    return begin;
  }

  const DataFile& file_;
  Meta meta_{};
  std::uint64_t pages_read_ = 0;
  std::vector<LmdbEntry> entries_;
};

// --- Writing -------------------------------------------------------------------------------------------------------

constexpr std::size_t kPageSize = 4096;
constexpr std::size_t kMostOfNode = (((kPageSize - kPageHeader) / 2) & ~std::size_t{1}) - 2;  // so that two fit

std::size_t even(std::size_t size) { return size + (size & 1); }

std::string node_header(std::uint64_t low48, std::size_t key_size, bool is_big = false) {
  std::string bytes;
  append(bytes, static_cast<std::uint16_t>(low48));
  append(bytes, static_cast<std::uint16_t>(low48 >> 16));
  append(bytes, is_big ? kBigData : static_cast<std::uint16_t>(low48 >> 32));
  append(bytes, static_cast<std::uint16_t>(key_size));
  return bytes;
}

}  // namespace

bool is_lmdb(const std::filesystem::path& path) {
  std::array<std::uint8_t, 20> head{};
  return DataFile(path).try_read(0, head) && number_at<std::uint32_t>(head, 16) == kMagic;
}

std::vector<LmdbEntry> read_lmdb(const DataFile& file) { return Reader(file).read(); }

LmdbWriter::LmdbWriter(const std::filesystem::path& path) : file_(path) {
  const std::vector<std::byte> metas(2 * kPageSize);
  file_.write(metas);
}

void LmdbWriter::add(const std::string& key, std::span<const std::uint8_t> value) {
  require(!key.empty() && key.size() <= 511 && value.size() >> 32 == 0 &&
              key > (leaf_.empty() ? last_key_ : leaf_.back().key),
          "LMDB: the key {} does not rise or is too long, or its value is", key);
  const bool is_big = kNodeHeader + key.size() + value.size() > kMostOfNode;
  Node node{node_header(value.size(), key.size(), is_big) + key, key};
  if (is_big) {
    const std::uint64_t pages = (kPageHeader + value.size() + kPageSize - 1) / kPageSize;
    std::array<std::uint8_t, kPageHeader> header{};
    put(header, 0, pages_);
    put(header, 10, kOverflow);
    put(header, 12, static_cast<std::uint32_t>(pages));
    file_.write(std::as_bytes(std::span(header)));
    file_.write(std::as_bytes(value));
    file_.write(std::vector<std::byte>(pages * kPageSize - kPageHeader - value.size()));
    append(node.bytes, pages_);
    pages_ += pages;
    overflows_ += pages;
  } else {
    node.bytes.append(reinterpret_cast<const char*>(value.data()), value.size());
  }
  const std::size_t takes = even(node.bytes.size()) + 2;
  if (kPageHeader + leaf_bytes_ + takes > kPageSize) end_leaf();
  leaf_bytes_ += takes;
  leaf_.push_back(std::move(node));
  ++entries_;
}

void LmdbWriter::end_leaf() {
  leaves_.push_back({leaf_.front().key, pages_});
  last_key_ = leaf_.back().key;
  write_page(kLeaf, leaf_);
  leaf_.clear();
  leaf_bytes_ = 0;
}

void LmdbWriter::write_page(std::uint16_t flags, const std::vector<Node>& nodes) {
  std::vector<std::uint8_t> page(kPageSize);
  std::size_t upper = kPageSize;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    upper -= even(nodes[i].bytes.size());
    std::memcpy(page.data() + upper, nodes[i].bytes.data(), nodes[i].bytes.size());
    put(std::span(page), kPageHeader + 2 * i, static_cast<std::uint16_t>(upper));
  }
  put(std::span(page), 0, pages_);
  put(std::span(page), 10, flags);
  put(std::span(page), 12, static_cast<std::uint16_t>(kPageHeader + 2 * nodes.size()));
  put(std::span(page), 14, static_cast<std::uint16_t>(upper));
  file_.write(std::as_bytes(std::span(page)));
  ++pages_;
}

/// Writes the pages above some, level by level; returns the root.
std::uint64_t LmdbWriter::write_branches(std::vector<Child> children) {
  while (children.size() > 1) {
    std::vector<std::vector<Child>> groups(1);
    std::size_t bytes = kPageHeader;
    for (Child& child : children) {
      const std::size_t takes = even(kNodeHeader + child.key.size()) + 2;
      if (bytes + takes > kPageSize) {
        groups.emplace_back();
        bytes = kPageHeader;
      }
      bytes += takes;
      groups.back().push_back(std::move(child));
    }
    // A page above another has two below it or more.
    if (groups.size() > 1 && groups.back().size() == 1) {
      std::vector<Child>& before = groups[groups.size() - 2];
      groups.back().insert(groups.back().begin(), std::move(before.back()));
      before.pop_back();
    }
    children.clear();
    for (const std::vector<Child>& group : groups) {
      std::vector<Node> nodes;
      for (const Child& child : group) {
        const std::string key = nodes.empty() ? "" : child.key;  // The first one stands for all that are smaller.
        nodes.push_back({node_header(child.page, key.size()) + key, key});
      }
      children.push_back({group.front().key, pages_});
      write_page(kBranch, nodes);
      ++branches_;
    }
    ++depth_;
  }
  return children.front().page;
}

void LmdbWriter::write_meta(std::uint64_t number, std::uint64_t root) {
  std::array<std::uint8_t, kMetaEnd> meta{};
  const std::span<std::uint8_t> page(meta);
  put(page, 0, number);
  put(page, 10, kMeta);
  put(page, 16, kMagic);
  put(page, 20, kVersion);
  put(page, 32, pages_ * kPageSize);
  put(page, 40, static_cast<std::uint32_t>(kPageSize));
  put(page, 44, kIntegerKeys);
  put(page, 80, kNoPage);
  put(page, 94, depth_);
  put(page, 96, branches_);
  put(page, 104, static_cast<std::uint64_t>(leaves_.size()));
  put(page, 112, overflows_);
  put(page, 120, entries_);
  put(page, 128, root);
  put(page, 136, pages_ - 1);
  put(page, 144, number);  // The second one is the later.
  file_.write_at(number * kPageSize, std::as_bytes(std::span(meta)));
}

void LmdbWriter::commit() {
  if (!leaf_.empty()) end_leaf();
  depth_ = leaves_.empty() ? 0 : 1;
  const std::uint64_t root = leaves_.empty() ? kNoPage : write_branches(leaves_);
  for (const std::uint64_t number : {0U, 1U}) write_meta(number, root);
  file_.commit();
}

}  // namespace tandem

#pragma once
// The file of a Lightning memory-mapped database (data.mdb), read in place and written anew.
//
// The library of that name trusts its files: one that is damaged makes it read outside the memory it has mapped, and
// ends the process. This reader checks every place before it looks there. It knows databases of 64-bit little-endian
// machines, format 1, with one value for each key.
//
//   page    u64 number, u16 -, u16 flags, then u16 lower, u16 upper or, of an overflow page, u32 pages;
//           from byte 16 on: u16 places of its nodes in the page, in the order of their keys
//   node    u16 low, u16 high, u16 flags, u16 size of the key, the key, the value
//           in a branch, low | high << 16 | flags << 32 is the page below; in a leaf, low | high << 16 is the value's
//           size, and with the flag 1 the value is the number of the overflow page where it begins, after 16 bytes
//   meta    pages 0 and 1, from byte 16 on: u32 0xbeefc0de, u32 1, u64 -, u64 size of the map, the two databases (of
//           free pages, whose first field is the size of a page, and the main one), u64 last page, u64 transaction;
//           that with the later transaction counts
//   database  u32 -, u16 flags, u16 depth, u64 branch pages, u64 leaf pages, u64 overflow pages, u64 entries, u64 root

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/source/format/data_file.h"
#include "io/atomic_file.h"

namespace tandem {

/// A key, and where its value lies in the file.
struct LmdbEntry {
  std::string key;
  std::uint64_t begin, bytes;
};

/// Whether a file begins as such a database.
bool is_lmdb(const std::filesystem::path& path);

/// The entries of the main database, in the order of their keys. InputError, with the byte, for a file that is damaged,
/// cut short, of another format, or whose database has several values for a key.
std::vector<LmdbEntry> read_lmdb(const DataFile& file);

/// Writes a database.
class LmdbWriter {
 public:
  /// Begins the file. Error if that fails.
  explicit LmdbWriter(const std::filesystem::path& path);
  /// Keys must rise, and have 1 to 511 bytes; a value has fewer than 2^32.
  void add(const std::string& key, std::span<const std::uint8_t> value);
  /// Ends the file, which appears now. Call once, last.
  void commit();

 private:
  struct Node {
    std::string bytes;  // header, key, value
    std::string key;
  };
  struct Child {
    std::string key;  // the first one below
    std::uint64_t page;
  };

  void write_page(std::uint16_t flags, const std::vector<Node>& nodes);
  void end_leaf();
  std::uint64_t write_branches(std::vector<Child> children);
  void write_meta(std::uint64_t number, std::uint64_t root);

  AtomicFile file_;
  std::uint64_t pages_ = 2, branches_ = 0, overflows_ = 0, entries_ = 0;
  std::uint16_t depth_ = 0;
  std::vector<Node> leaf_;
  std::size_t leaf_bytes_ = 0;
  std::vector<Child> leaves_;
  std::string last_key_;
};

}  // namespace tandem

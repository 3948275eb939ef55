#pragma once
// The safetensors file format: named tensors and a map of strings.
//
//   u64, little endian: the length of the header | the header: JSON, padded with spaces to 8 bytes | the tensors' data
//   header: {"__metadata__": {"key": "value"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}}
//
// Tensors are little endian, in row-major order, without gaps. This file knows nothing of what a tensor means: a
// layout is its caller's matter (inference/model/tensors.h).
//
// A file that Tandem writes carries a checksum of itself in the metadata, under kChecksumKey: XXH3-128 of the whole
// file with the checksum's own 32 hexadecimal digits as zeros.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

inline constexpr std::string_view kChecksumKey = "tandem.checksum";

/// One tensor of a file: a view, whose bytes somebody else owns and which need not be aligned.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;  ///< F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;  ///< As many bytes as dtype and shape say.
};

/// Bytes of an element of a dtype; 0 if there is no such dtype.
std::size_t element_size(std::string_view dtype);

using SafetensorsMetadata = std::map<std::string, std::string>;

/// Writes a file atomically (io/atomic_file.h): after an Error, a disk being full for one, an earlier file at `path`
/// is as it was. Tensors lie in the file in the order given. Error also for entries that contradict themselves.
void write_safetensors(const std::filesystem::path& path, std::span<const SafetensorsEntry> entries,
                       const SafetensorsMetadata& metadata);

/// A whole file, read and checked. Owns the data that its entries view.
class SafetensorsFile {
 public:
  /// InputError, naming the file, what is wrong and what was expected, for a file that is missing, truncated, damaged
  /// or something else; a checksum is verified where there is one. What no header describes is not read.
  explicit SafetensorsFile(const std::filesystem::path& path);

  /// In the order of their data.
  std::span<const SafetensorsEntry> entries() const { return entries_; }
  /// Null if there is no such tensor. Valid as long as the file object.
  const SafetensorsEntry* find(std::string_view name) const;
  /// Without the checksum.
  const SafetensorsMetadata& metadata() const { return metadata_; }
  /// Whether the file carried a checksum: one that Tandem wrote does.
  bool has_checksum() const { return has_checksum_; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
  SafetensorsMetadata metadata_;
  bool has_checksum_ = false;
};

}  // namespace tandem

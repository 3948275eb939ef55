#pragma once
// Files of weights, written by hand: pickles operation by operation, zip archives, Caffe models.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "weights/content.h"
#include "weights/weights_file.h"

namespace tandem::test {

inline std::filesystem::path weights_fixture(const std::string& name) {
  return std::filesystem::path(TANDEM_TEST_DATA) / "weights/fixtures" / name;
}

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The bytes of a number, little endian.
template <class T>
std::string bytes(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// An archive of stored files; with `zip64` its directory is told by zip64's records.
inline std::string zip_of(const std::vector<std::pair<std::string, std::string>>& files, bool zip64 = false) {
  using U16 = std::uint16_t;
  using U32 = std::uint32_t;
  using U64 = std::uint64_t;
  std::string archive, directory;
  const auto size = [](const std::string& text) { return static_cast<U32>(text.size()); };
  for (const auto& [name, data] : files) {
    const auto name_size = static_cast<U16>(name.size());
    const std::string sizes = bytes<U32>(0) + bytes(size(data)) + bytes(size(data));
    const std::string sizes64 = zip64 ? bytes<U32>(0) + bytes(~U32{0}) + bytes(~U32{0}) : sizes;
    const std::string extra = zip64 ? bytes<U16>(1) + bytes<U16>(24) + bytes<U64>(data.size()) +
                                          bytes<U64>(data.size()) + bytes<U64>(archive.size())
                                    : "";
    directory += "PK\x01\x02" + std::string(6, '\0') + bytes<U16>(0) + std::string(4, '\0') + sizes64 +
                 bytes(name_size) + bytes(static_cast<U16>(extra.size())) + std::string(10, '\0') +
                 bytes(zip64 ? ~U32{0} : size(archive)) + name + extra;
    archive += "PK\x03\x04" + std::string(10, '\0') + sizes + bytes(name_size) + bytes<U16>(0) + name + data;
  }
  const auto count = static_cast<U16>(files.size());
  const U64 begin = archive.size();
  archive += directory;
  if (zip64) {
    const U64 end64 = archive.size();
    archive += "PK\x06\x06" + bytes<U64>(44) + std::string(12, '\0') + bytes<U64>(count) + bytes<U64>(count) +
               bytes<U64>(directory.size()) + bytes(begin) + "PK\x06\x07" + bytes<U32>(0) + bytes(end64) +
               bytes<U32>(1);
  }
  return archive + "PK\x05\x06" + std::string(4, '\0') + bytes(count) + bytes(count) + bytes(size(directory)) +
         bytes(zip64 ? ~U32{0} : static_cast<U32>(begin)) + bytes<U16>(0);
}

/// A pickle, operation by operation.
struct Pickle {
  std::string bytes = "\x80\x02";

  Pickle& raw(const std::string& operations) {
    bytes += operations;
    return *this;
  }
  Pickle& text(const std::string& text) {
    return raw("X" + test::bytes(static_cast<std::uint32_t>(text.size())) + text);
  }
  Pickle& integer(std::int64_t value) { return raw(std::string("\x8a\x08", 2) + test::bytes(value)); }
  Pickle& global(const std::string& module, const std::string& name) { return raw("c" + module + "\n" + name + "\n"); }
  /// A tuple of the integers.
  Pickle& sizes(const std::vector<std::int64_t>& values) {
    raw("(");
    for (const std::int64_t value : values) integer(value);
    return raw("t");
  }
  /// A view of the storage "0", which says that it has `elements` floats.
  Pickle& tensor(std::int64_t elements, std::int64_t offset, const std::vector<std::int64_t>& shape,
                 const std::vector<std::int64_t>& stride) {
    global("torch._utils", "_rebuild_tensor_v2").raw("((").text("storage").global("torch", "FloatStorage").text("0");
    text("cpu").integer(elements).raw("tQ").integer(offset).sizes(shape).sizes(stride);
    return raw("\x89").global("collections", "OrderedDict").raw(")RtR");
  }
  /// The pickle, ended, in an archive with a storage "0" of these bytes.
  std::string in_zip(const std::string& storage) const {
    return zip_of({{"archive/data.pkl", bytes + "."}, {"archive/data/0", storage}});
  }
};

/// The numbers of an entry of type T.
template <class T>
std::vector<T> values_of(const WeightsEntry& entry) {
  std::vector<T> values(entry.data.size() / sizeof(T));
  std::memcpy(values.data(), entry.data.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace tandem::test

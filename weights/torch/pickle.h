#pragma once
// Python's pickle format, protocols 2 to 5, as a description of data: nothing is imported, called or run.
//
// The machine knows numbers, strings, lists, tuples and dicts. What a pickle wants to import or call is asked of a
// PickleMeaning, which answers from a closed list or refuses.

#include <cstdint>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tandem::pickle {

struct Value;

struct None {};
struct Text {
  std::string text;
};
struct Bytes {
  std::span<const std::byte> bytes;
};
/// An integer that needs more than 64 bits: two's complement, little endian.
struct BigInteger {
  std::span<const std::byte> bytes;
};
struct List {
  std::vector<const Value*> items;
};
struct Tuple {
  std::vector<const Value*> items;
};
/// In the order in which they were set; a key may occur again, and then the last counts.
struct Dict {
  std::vector<std::pair<const Value*, const Value*>> items;
};
/// Something that the pickle names and that stays a name.
struct Global {
  std::string name;  ///< "torch._utils._rebuild_tensor_v2"
};
/// Bytes of elements that the file keeps outside the pickle.
struct Storage {
  std::string key;
  std::string_view dtype;
  std::int64_t elements = 0;
  std::int64_t first = 0;  ///< of a view: its first element in the storage of that key
};
struct TensorView {
  const Storage* storage = nullptr;
  std::string_view dtype;
  std::int64_t offset = 0;  ///< elements
  std::vector<std::int64_t> shape, stride;
};
/// An object of a harmless class of which nothing is kept.
struct Opaque {
  std::string name;
};

/// Values are owned by the machine that made them, refer to each other freely, also in circles, and are freed without
/// recursion.
struct Value {
  std::variant<None, bool, std::int64_t, double, Text, Bytes, BigInteger, List, Tuple, Dict, Global, Storage,
               TensorView, Opaque>
      data;

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
};

/// "an integer", "a dict", "torch._utils._rebuild_tensor_v2": for errors.
std::string describe(const Value& value);

/// What a pickle's names mean. Each function refuses, by an InputError, what it does not know.
class PickleMeaning {
 public:
  virtual ~PickleMeaning() = default;
  /// `name` is about to be imported.
  virtual Value import(const std::string& name) = 0;
  /// `callable` is about to be called.
  virtual Value call(const Global& callable, const std::vector<const Value*>& arguments) = 0;
  /// An object that the file keeps outside the pickle.
  virtual Value persistent(const Value& id) = 0;
};

/// Reads pickles that lie one behind the other in a file's bytes. Everything is bounded by the number of bytes.
class PickleMachine {
 public:
  /// All must outlive the machine; values view the bytes.
  PickleMachine(const std::filesystem::path& path, std::span<const std::byte> bytes, PickleMeaning& meaning)
      : path_(path), bytes_(bytes), meaning_(meaning) {}
  PickleMachine(const PickleMachine&) = delete;
  PickleMachine& operator=(const PickleMachine&) = delete;

  /// The next pickle's value, which lives as long as the machine. InputError if the bytes are no pickle.
  const Value& read();
  /// Bytes read so far.
  std::size_t position() const { return at_; }

 private:
  friend class Execution;

  const std::filesystem::path& path_;
  std::span<const std::byte> bytes_;
  PickleMeaning& meaning_;
  std::size_t at_ = 0;
  std::deque<Value> values_;
};

}  // namespace tandem::pickle

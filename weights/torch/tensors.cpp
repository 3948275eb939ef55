#include "weights/torch/tensors.h"

#include <fmt/ranges.h>

#include <unordered_map>

#include "weights/content.h"

namespace tandem::pickle {
namespace {

constexpr int kDeepest = 32;
constexpr std::size_t kMostVisits = 2'000'000, kLongestKey = 256, kLongestNames = 64U << 20U;
constexpr std::size_t kLongestText = 200;  // of what is kept as metadata

std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0; stride *= shape[i]) strides[i] = stride;
  return strides;
}

/// Whether a view of non-empty shape walks through its elements one after the other.
bool is_contiguous(const TensorView& view) {
  const auto strides = contiguous_strides(view.shape);
  for (std::size_t i = 0; i < strides.size(); ++i)
    if (view.shape[i] != 1 && view.stride[i] != strides[i]) return false;
  return true;
}

class Collector {
 public:
  Collector(const FindStorage& find_storage, std::size_t limit, WeightsFile& file)
      : find_storage_(find_storage), limit_(limit), file_(file) {}

  void visit(const Value& value, const std::string& name, int depth) {
    if (depth > kDeepest) refuse_file(file_.path, "its pickle is nested more than {} levels deep", kDeepest);
    if (++visits_ > kMostVisits) refuse_file(file_.path, "its pickle repeats itself without an end");
    if (const auto* tensor = value.as<TensorView>()) {
      add(*tensor, name);
    } else if (const auto* dict = value.as<Dict>()) {
      visit_dict(*dict, name, depth);
    } else if (const auto* list = value.as<List>()) {
      visit_items(list->items, name, depth);
    } else if (const auto* tuple = value.as<Tuple>()) {
      visit_items(tuple->items, name, depth);
    } else if (depth <= 1) {
      add_metadata(value, name);
    }
  }

 private:
  void visit_items(const std::vector<const Value*>& items, const std::string& name, int depth) {
    for (std::size_t i = 0; i < items.size(); ++i) visit(*items[i], join(name, std::to_string(i)), depth + 1);
  }

  void visit_dict(const Dict& dict, const std::string& name, int depth) {
    std::unordered_map<std::string, std::size_t> last;  // of two values of a key the later counts
    std::vector<std::pair<std::string, const Value*>> items;
    for (const auto& [key, value] : dict.items) {
      std::string text = key_text(*key, name);
      const auto [found, is_new] = last.emplace(text, items.size());
      if (is_new)
        items.emplace_back(std::move(text), value);
      else
        items[found->second].second = value;
    }
    for (const auto& [key, value] : items) visit(*value, join(name, key), depth + 1);
  }

  std::string key_text(const Value& key, const std::string& name) const {
    if (const auto* number = key.as<std::int64_t>()) return std::to_string(*number);
    const auto* text = key.as<Text>();
    if (!text) return fmt::format("<{}>", describe(key));
    if (text->text.size() > kLongestKey)
      refuse_file(file_.path, "a key of {} bytes in {}", text->text.size(), name.empty() ? "its dict" : name);
    return text->text;
  }

  static std::string join(const std::string& name, const std::string& key) {
    return name.empty() ? key : name + "." + key;
  }

  void add_metadata(const Value& value, const std::string& name) {
    if (name.empty()) return;
    if (const auto* text = value.as<Text>()) {
      if (text->text.size() <= kLongestText) file_.metadata[name] = text->text;
    } else if (const auto* integer = value.as<std::int64_t>()) {
      file_.metadata[name] = std::to_string(*integer);
    } else if (const auto* real = value.as<double>()) {
      file_.metadata[name] = fmt::format("{}", *real);
    } else if (const auto* boolean = value.as<bool>()) {
      file_.metadata[name] = *boolean ? "true" : "false";
    }
  }

  void add(const TensorView& view, const std::string& name) {
    names_ += name.size();
    if (names_ > kLongestNames) refuse_file(file_.path, "names of more than {} MiB", kLongestNames >> 20U);
    if (name.empty()) refuse_file(file_.path, "one tensor without a name, expected a dict of tensors");
    const std::size_t size = element_size(view.dtype);
    std::int64_t count = 0, bytes = 0;
    if (!count_elements(view.shape, count) || __builtin_mul_overflow(count, static_cast<std::int64_t>(size), &bytes))
      refuse_file(file_.path, "the tensor {} is {}, more than any memory", name,
                  describe_tensor(view.dtype, view.shape));
    WeightsEntry entry{name, std::string(view.dtype), view.shape, {}};
    if (count > 0) {
      const auto storage = storage_of(view, name);
      if (is_contiguous(view))
        entry.data = storage.first(static_cast<std::size_t>(bytes));
      else
        entry.data = copy(view, storage, static_cast<std::size_t>(count), name);
    }
    file_.entries.push_back(std::move(entry));
  }

  /// The bytes from a view's first element to its last.
  std::span<const std::byte> storage_of(const TensorView& view, const std::string& name) const {
    const auto bytes = find_storage_(view.storage->key);
    const auto size = static_cast<std::int64_t>(element_size(view.dtype));
    const auto unit = static_cast<std::int64_t>(element_size(view.storage->dtype));
    std::int64_t first = 0, last = 0, begin = 0, end = 0;  // elements, then bytes
    bool fits = !__builtin_mul_overflow(view.storage->first, unit, &first) &&
                !__builtin_mul_overflow(view.offset, size, &begin) && !__builtin_add_overflow(begin, first, &begin);
    for (std::size_t i = 0; fits && i < view.shape.size(); ++i) {
      std::int64_t reach = 0;
      fits = !__builtin_mul_overflow(view.shape[i] - 1, view.stride[i], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
    }
    fits = fits && !__builtin_add_overflow(last, 1, &last) && !__builtin_mul_overflow(last, size, &end) &&
           !__builtin_add_overflow(end, begin, &end);
    if (!fits || view.offset < 0 || end > static_cast<std::int64_t>(bytes.size()))
      refuse_file(file_.path, "the tensor {} is {}, but its storage has {} bytes: truncated or damaged", name,
                  describe_tensor(view.dtype, view.shape), bytes.size());
    return bytes.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  }

  /// The elements of a view that is not contiguous, in order.
  std::span<const std::byte> copy(const TensorView& view, std::span<const std::byte> storage, std::size_t count,
                                  const std::string& name) {
    const std::size_t size = element_size(view.dtype);
    if (count * size > limit_ - copied_)
      refuse_file(file_.path, "the tensor {} is {}, which repeats its elements: too large for the file", name,
                  describe_tensor(view.dtype, view.shape));
    copied_ += count * size;
    const auto elements = std::make_shared<std::vector<std::byte>>(count * size);
    std::vector<std::int64_t> index(view.shape.size());
    std::int64_t from = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(elements->data() + i * size, storage.data() + static_cast<std::size_t>(from) * size, size);
      for (std::size_t axis = view.shape.size(); axis-- > 0;) {
        from += view.stride[axis];
        if (++index[axis] < view.shape[axis]) break;
        from -= view.stride[axis] * view.shape[axis];
        index[axis] = 0;
      }
    }
    file_.owners.push_back(elements);
    return *elements;
  }

  const FindStorage& find_storage_;
  std::size_t limit_, copied_ = 0, visits_ = 0, names_ = 0;
  WeightsFile& file_;
};

}  // namespace

void collect_tensors(const Value& root, const TorchMeaning& meaning, const FindStorage& find_storage, std::size_t limit,
                     WeightsFile& file) {
  Collector(find_storage, limit, file).visit(root, "", 0);
  if (!meaning.passed_over().empty())
    file.notes.push_back(fmt::format("passed over without a look inside: {}", fmt::join(meaning.passed_over(), ", ")));
}

}  // namespace tandem::pickle

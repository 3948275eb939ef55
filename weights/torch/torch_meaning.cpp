#include "weights/torch/torch_meaning.h"

#include <algorithm>
#include <array>

#include "weights/content.h"

namespace tandem::pickle {
namespace {

/// A class of storages, or a dtype, and safetensors' word for it.
struct TypeName {
  std::string_view torch, dtype;
};

constexpr auto kStorages = std::to_array<TypeName>({{"torch.DoubleStorage", "F64"},
                                                    {"torch.FloatStorage", "F32"},
                                                    {"torch.HalfStorage", "F16"},
                                                    {"torch.BFloat16Storage", "BF16"},
                                                    {"torch.LongStorage", "I64"},
                                                    {"torch.IntStorage", "I32"},
                                                    {"torch.ShortStorage", "I16"},
                                                    {"torch.CharStorage", "I8"},
                                                    {"torch.ByteStorage", "U8"},
                                                    {"torch.BoolStorage", "BOOL"},
                                                    {"torch.UntypedStorage", "U8"},
                                                    {"torch.storage.UntypedStorage", "U8"}});

constexpr auto kDtypes = std::to_array<TypeName>({{"torch.float64", "F64"},
                                                  {"torch.float32", "F32"},
                                                  {"torch.float16", "F16"},
                                                  {"torch.bfloat16", "BF16"},
                                                  {"torch.int64", "I64"},
                                                  {"torch.int32", "I32"},
                                                  {"torch.int16", "I16"},
                                                  {"torch.int8", "I8"},
                                                  {"torch.uint64", "U64"},
                                                  {"torch.uint32", "U32"},
                                                  {"torch.uint16", "U16"},
                                                  {"torch.uint8", "U8"},
                                                  {"torch.bool", "BOOL"}});

constexpr std::string_view kOrderedDict = "collections.OrderedDict", kSize = "torch.Size",
                           kTensor1 = "torch._utils._rebuild_tensor", kTensor2 = "torch._utils._rebuild_tensor_v2",
                           kTensor3 = "torch._utils._rebuild_tensor_v3", kParameter = "torch._utils._rebuild_parameter",
                           kParameterWithState = "torch._utils._rebuild_parameter_with_state";

constexpr auto kCallables = std::to_array<std::string_view>(
    {kOrderedDict, kSize, kTensor1, kTensor2, kTensor3, kParameter, kParameterWithState});

/// Classes and functions found in checkpoints beside the weights. Their objects hold settings; they are never made.
constexpr auto kPassedOver = std::to_array<std::string_view>({"argparse.Namespace",
                                                              "builtins.set",
                                                              "builtins.frozenset",
                                                              "__builtin__.set",
                                                              "__builtin__.frozenset",
                                                              "builtins.complex",
                                                              "builtins.bytearray",
                                                              "_codecs.encode",
                                                              "collections.Counter",
                                                              "collections.defaultdict",
                                                              "collections.deque",
                                                              "builtins.dict",
                                                              "builtins.list",
                                                              "builtins.int",
                                                              "builtins.float",
                                                              "datetime.datetime",
                                                              "datetime.timedelta",
                                                              "pathlib.Path",
                                                              "pathlib.PosixPath",
                                                              "pathlib.PurePosixPath",
                                                              "pathlib.WindowsPath",
                                                              "pathlib._local.PosixPath",
                                                              "pathlib._local.WindowsPath",
                                                              "numpy.dtype",
                                                              "numpy.ndarray",
                                                              "numpy.core.multiarray.scalar",
                                                              "numpy.core.multiarray._reconstruct",
                                                              "numpy._core.multiarray.scalar",
                                                              "numpy._core.multiarray._reconstruct",
                                                              "torch.device"});

template <std::size_t N>
std::string_view find_type(const std::array<TypeName, N>& types, std::string_view name) {
  for (const auto& [torch, dtype] : types)
    if (torch == name) return dtype;
  return {};
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <class T>
const T* argument(const std::vector<const Value*>& arguments, std::size_t i) {
  return i < arguments.size() ? arguments[i]->as<T>() : nullptr;
}

}  // namespace

Value TorchMeaning::import(const std::string& name) {
  if (contains(kCallables, name) || !find_type(kStorages, name).empty() || !find_type(kDtypes, name).empty())
    return {Global{name}};
  if (contains(kPassedOver, name)) {
    passed_over_.insert(name);
    return {Global{name}};
  }
  if (name.starts_with("__torch__"))
    refuse_file(path_, "a TorchScript program ({}), expected the file of torch.save(model.state_dict(), ...)", name);
  refuse_file(path_,
              "its pickle imports {}: refused, and nothing was run; expected tensors, dicts, lists and numbers, as "
              "torch.save(model.state_dict(), ...) writes them",
              name);
}

Value TorchMeaning::call(const Global& callable, const std::vector<const Value*>& arguments) {
  const std::string& name = callable.name;
  if (name == kOrderedDict) return ordered_dict(arguments);
  if (name == kTensor1 || name == kTensor2) return tensor(callable, arguments);
  if (name == kTensor3) {  // (storage, offset, shape, stride, requires_grad, hooks, dtype)
    const auto* dtype = argument<Global>(arguments, 6);
    if (!dtype || find_type(kDtypes, dtype->name).empty()) misused(name);
    return tensor(callable, arguments, find_type(kDtypes, dtype->name));
  }
  if (name == kParameter || name == kParameterWithState) {
    const auto* data = argument<TensorView>(arguments, 0);
    if (!data) misused(name);
    return {*data};
  }
  if (name == kSize) {
    const auto* tuple = argument<Tuple>(arguments, 0);
    if (!tuple) misused(name);
    return {*tuple};
  }
  if (contains(kPassedOver, name)) return {Opaque{name}};
  misused(name);
}

Value TorchMeaning::ordered_dict(const std::vector<const Value*>& arguments) const {
  Dict dict;
  if (arguments.empty()) return {dict};
  const auto* list = argument<List>(arguments, 0);  // of pairs, as Python 2 wrote them
  if (!list) misused(std::string(kOrderedDict));
  for (const Value* item : list->items) {
    const std::vector<const Value*>* pair = nullptr;
    if (const auto* values = item->as<List>()) pair = &values->items;
    if (const auto* values = item->as<Tuple>()) pair = &values->items;
    if (!pair || pair->size() != 2) misused(std::string(kOrderedDict));
    dict.items.emplace_back((*pair)[0], (*pair)[1]);
  }
  return {dict};
}

Value TorchMeaning::tensor(const Global& callable, const std::vector<const Value*>& arguments,
                           std::string_view dtype) const {
  const auto* storage = argument<Storage>(arguments, 0);
  const auto* offset = argument<std::int64_t>(arguments, 1);
  if (!storage || !offset || arguments.size() < 4) misused(callable.name);
  TensorView view{storage, dtype.empty() ? storage->dtype : dtype, *offset, sizes(*arguments[2]), sizes(*arguments[3])};
  constexpr std::size_t kHighestRank = 16;
  if (view.shape.size() != view.stride.size() || view.shape.size() > kHighestRank) misused(callable.name);
  return {std::move(view)};
}

std::vector<std::int64_t> TorchMeaning::sizes(const Value& tuple) const {
  std::vector<std::int64_t> all;
  const auto* values = tuple.as<Tuple>();
  if (!values) misused("a shape");
  for (const Value* value : values->items) {
    const auto* size = value->as<std::int64_t>();
    if (!size || *size < 0) misused("a shape");
    all.push_back(*size);
  }
  return all;
}

Value TorchMeaning::persistent(const Value& id) {
  const auto* tuple = id.as<Tuple>();
  if (!tuple || tuple->items.size() < 5) misused("a storage");
  const auto& items = tuple->items;
  const auto *word = argument<Text>(items, 0), *key = argument<Text>(items, 2);
  const auto* type = argument<Global>(items, 1);
  const auto* elements = argument<std::int64_t>(items, 4);
  if (!word || word->text != "storage" || !type || !key || !elements || *elements < 0) misused("a storage");
  Storage storage{key->text, find_type(kStorages, type->name), *elements, 0};
  if (storage.dtype.empty()) misused(type->name);
  if (const auto* view = argument<Tuple>(items, 5)) {
    const auto *first = argument<std::int64_t>(view->items, 1), *count = argument<std::int64_t>(view->items, 2);
    if (!first || !count || *first < 0 || *count < 0) misused("a view of a storage");
    storage.first = *first;
    storage.elements = *count;
  }
  return {std::move(storage)};
}

void TorchMeaning::misused(const std::string& name) const {
  refuse_file(path_, "its pickle uses {} in a way that PyTorch does not: damaged, or written by another program", name);
}

}  // namespace tandem::pickle

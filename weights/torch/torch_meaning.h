#pragma once
// What the names in a pickle of PyTorch mean: tensors, storages, OrderedDict, and a list of harmless classes whose
// objects are passed over. Every other name is refused.

#include <set>

#include "weights/torch/pickle.h"

namespace tandem::pickle {

class TorchMeaning : public PickleMeaning {
 public:
  /// `path`, for errors, must outlive it.
  explicit TorchMeaning(const std::filesystem::path& path) : path_(path) {}

  Value import(const std::string& name) override;
  Value call(const Global& callable, const std::vector<const Value*>& arguments) override;
  /// ("storage", type, key, place, elements), in the old format with a view behind it: None, or (key, first, elements).
  Value persistent(const Value& id) override;

  /// The classes that were passed over, argparse.Namespace for one.
  const std::set<std::string>& passed_over() const { return passed_over_; }

 private:
  /// `arguments` begins with (storage, offset, shape, stride); `dtype` is the storage's unless told.
  Value tensor(const Global& callable, const std::vector<const Value*>& arguments, std::string_view dtype = {}) const;
  std::vector<std::int64_t> sizes(const Value& tuple) const;
  Value ordered_dict(const std::vector<const Value*>& arguments) const;
  [[noreturn]] void misused(const std::string& name) const;

  const std::filesystem::path& path_;
  std::set<std::string> passed_over_;
};

}  // namespace tandem::pickle

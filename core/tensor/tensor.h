#pragma once
// A tensor: shape, type, and a shared handle to memory. Always contiguous and row-major; copying a Tensor copies the
// handle, not the elements.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/error.h"
#include "core/tensor/arena.h"
#include "core/tensor/dtype.h"
#include "core/tensor/shape.h"

namespace tandem {

/// A block of an arena, released when the last tensor that uses it is destroyed.
class Storage {
 public:
  Storage(std::shared_ptr<Arena> arena, std::size_t bytes) : arena_(std::move(arena)), data_(arena_->allocate(bytes)) {}
  ~Storage() { arena_->release(data_); }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  std::byte* data() const { return static_cast<std::byte*>(data_); }

 private:
  std::shared_ptr<Arena> arena_;
  void* data_;
};

class Tensor {
 public:
  /// No tensor: defined() is false.
  Tensor() = default;
  Tensor(const std::shared_ptr<Arena>& arena, const Shape& shape, DType dtype)
      : storage_(std::make_shared<Storage>(arena, static_cast<std::size_t>(shape.size()) * size_of(dtype))),
        shape_(shape),
        dtype_(dtype) {}

  bool defined() const { return storage_ != nullptr; }
  explicit operator bool() const { return defined(); }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::int64_t dim(int i) const { return shape_[i]; }
  /// Number of elements.
  std::int64_t size() const { return shape_.size(); }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * size_of(dtype_); }

  void* raw() { return storage_->data() + offset_; }
  const void* raw() const { return storage_->data() + offset_; }
  /// The elements, as the type they have; another type throws.
  template <class T>
  T* data() {
    check_type(dtype_of<T>);
    return static_cast<T*>(raw());
  }
  template <class T>
  const T* data() const {
    check_type(dtype_of<T>);
    return static_cast<const T*>(raw());
  }

  /// The same elements under another shape of the same size.
  Tensor reshape(const Shape& shape) const;
  /// Rows [begin, end) of dimension 0; shares memory with this tensor.
  Tensor rows(std::int64_t begin, std::int64_t end) const;
  /// True if no other tensor shares this one's memory, so that it may be overwritten.
  bool unique() const { return storage_.use_count() == 1; }

 private:
  void check_type(DType wanted) const { require(dtype_ == wanted, "tensor: {} read as {}", dtype_, wanted); }

  std::shared_ptr<Storage> storage_;
  std::size_t offset_ = 0;
  Shape shape_;
  DType dtype_ = DType::f32;
};

}  // namespace tandem

#include "cpu/onednn/onednn.h"

#include <cstring>

namespace tandem::cpu {
namespace {

using dnnl::memory;

memory::data_type type_of(DType dtype) {
  return dtype == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

memory::desc activation(const Tensor& x) {
  return {{x.dim(0), x.dim(3), x.dim(1), x.dim(2)}, type_of(x.dtype()), memory::format_tag::nhwc};
}

memory::desc weights(const Shape& w, DType dtype, memory::format_tag tag) {
  return {{w[0], w[3], w[1], w[2]}, type_of(dtype), tag};
}

/// (rows, columns) of a matrix stored row-major, or of its transpose.
memory::desc matrix(const Tensor& m, bool transposed) {
  if (transposed) return {{m.dim(1), m.dim(0)}, memory::data_type::f32, memory::format_tag::ba};
  return {{m.dim(0), m.dim(1)}, memory::data_type::f32, memory::format_tag::ab};
}

// oneDNN 2 builds a primitive from a descriptor of the operation; oneDNN 3 has no such object.
template <class Primitive, class... Args>
typename Primitive::primitive_desc describe(const dnnl::engine& engine, const Args&... args) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Primitive::desc(args...), attributes(), engine};
#else
  return {engine, args..., attributes()};
#endif
}

template <class Primitive, class... Args>
typename Primitive::primitive_desc describe_gradient(const dnnl::engine& engine,
                                                     const dnnl::convolution_forward::primitive_desc& forward,
                                                     const Args&... args) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Primitive::desc(args...), attributes(), engine, forward};
#else
  return {engine, args..., forward, attributes()};
#endif
}

}  // namespace

OneDnn::OneDnn(std::shared_ptr<Arena> arena)
    : arena_(std::move(arena)), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

std::string OneDnn::version() {
  const auto* v = dnnl::version();
  return fmt::format("oneDNN {}.{}.{}", v->major, v->minor, v->patch);
}

dnnl::memory OneDnn::view(const memory::desc& desc, const Tensor& tensor) const {
  // oneDNN takes inputs by non-const pointer, and does not write to them.
  return {desc, engine_, const_cast<void*>(tensor.raw())};
}

Tensor OneDnn::temporary(const memory::desc& desc) const {
  return {arena_, {static_cast<std::int64_t>(desc.get_size())}, DType::u8};
}

void OneDnn::run(const dnnl::primitive& primitive, std::unordered_map<int, memory> arguments,
                 const memory::desc& scratchpad, bool clear_scratchpad) {
  Tensor scratch = temporary(scratchpad);
  if (clear_scratchpad) std::memset(scratch.raw(), 0, scratch.bytes());
  arguments.emplace(DNNL_ARG_SCRATCHPAD, view(scratchpad, scratch));
  primitive.execute(stream_, arguments);
  stream_.wait();
}

OneDnn::Convolution OneDnn::make_convolution(Direction direction, const Conv2dGeometry& geometry, const Tensor& x,
                                             const Shape& w, const Tensor& y) const {
  const memory::dims strides{geometry.stride, geometry.stride}, padding{geometry.padding, geometry.padding};
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const memory::desc in = activation(x), out = activation(y);
  const memory::desc any = weights(w, x.dtype(), memory::format_tag::any);
  const memory::desc stored = weights(w, DType::f32, memory::format_tag::ohwi);
  const auto forward = describe<dnnl::convolution_forward>(engine_, dnnl::prop_kind::forward_training, algorithm, in,
                                                           any, out, strides, padding, padding);
  Convolution c;
  if (direction == Direction::forward) {
    c = {dnnl::convolution_forward(forward), in, out, forward.weights_desc(), forward.scratchpad_desc(), {}};
  } else if (direction == Direction::grad_input) {
    const auto desc = describe_gradient<dnnl::convolution_backward_data>(engine_, forward, algorithm, in, any, out,
                                                                         strides, padding, padding);
    c = {dnnl::convolution_backward_data(desc), in, out, desc.weights_desc(), desc.scratchpad_desc(), {}};
  } else {
    const auto desc = describe_gradient<dnnl::convolution_backward_weights>(
        engine_, forward, algorithm, in, weights(w, DType::f32, memory::format_tag::any), out, strides, padding,
        padding);
    c = {dnnl::convolution_backward_weights(desc), in, out, desc.diff_weights_desc(), desc.scratchpad_desc(), {}};
  }
  if (c.weights != stored)
    c.reorder = direction == Direction::grad_weight
                    ? dnnl::reorder(dnnl::reorder::primitive_desc(engine_, c.weights, engine_, stored))
                    : dnnl::reorder(dnnl::reorder::primitive_desc(engine_, stored, engine_, c.weights));
  return c;
}

const OneDnn::Convolution& OneDnn::convolution(Direction direction, const Conv2dGeometry& geometry, const Tensor& x,
                                               const Shape& w, const Tensor& y) {
  const Key key{static_cast<std::int64_t>(direction),
                static_cast<std::int64_t>(x.dtype()),
                geometry.stride,
                geometry.padding,
                x.dim(0),
                x.dim(1),
                x.dim(2),
                x.dim(3),
                w[0],
                w[1],
                w[2],
                0};
  auto found = convolutions_.find(key);
  if (found == convolutions_.end())
    found = convolutions_.emplace(key, make_convolution(direction, geometry, x, w, y)).first;
  return found->second;
}

void OneDnn::conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) {
  const Convolution& c = convolution(Direction::forward, geometry, x, w.shape(), y);
  const memory::desc stored = weights(w.shape(), DType::f32, memory::format_tag::ohwi);
  Tensor packed = w;
  if (c.reorder) {
    packed = temporary(c.weights);
    c.reorder.execute(stream_, {{DNNL_ARG_FROM, view(stored, w)}, {DNNL_ARG_TO, view(c.weights, packed)}});
  }
  run(c.primitive,
      {{DNNL_ARG_SRC, view(c.activation_in, x)},
       {DNNL_ARG_WEIGHTS, view(c.weights, packed)},
       {DNNL_ARG_DST, view(c.activation_out, y)}},
      c.scratchpad);
}

void OneDnn::conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) {
  const Convolution& c = convolution(Direction::grad_input, geometry, dx, w.shape(), dy);
  const memory::desc stored = weights(w.shape(), DType::f32, memory::format_tag::ohwi);
  Tensor packed = w;
  if (c.reorder) {
    packed = temporary(c.weights);
    c.reorder.execute(stream_, {{DNNL_ARG_FROM, view(stored, w)}, {DNNL_ARG_TO, view(c.weights, packed)}});
  }
  run(c.primitive,
      {{DNNL_ARG_DIFF_DST, view(c.activation_out, dy)},
       {DNNL_ARG_WEIGHTS, view(c.weights, packed)},
       {DNNL_ARG_DIFF_SRC, view(c.activation_in, dx)}},
      c.scratchpad);
}

void OneDnn::conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) {
  const Convolution& c = convolution(Direction::grad_weight, geometry, x, dw.shape(), dy);
  const Tensor packed = c.reorder ? temporary(c.weights) : dw;
  // oneDNN 2.6 in bf16 reads scratch memory that it never wrote where the window is larger than the image.
  const bool larger = dw.dim(1) > x.dim(1) || dw.dim(2) > x.dim(2);
  run(c.primitive,
      {{DNNL_ARG_SRC, view(c.activation_in, x)},
       {DNNL_ARG_DIFF_DST, view(c.activation_out, dy)},
       {DNNL_ARG_DIFF_WEIGHTS, view(c.weights, packed)}},
      c.scratchpad, larger);
  if (!c.reorder) return;
  const memory::desc stored = weights(dw.shape(), DType::f32, memory::format_tag::ohwi);
  c.reorder.execute(stream_, {{DNNL_ARG_FROM, view(c.weights, packed)}, {DNNL_ARG_TO, view(stored, dw)}});
  stream_.wait();
}

OneDnn::Product OneDnn::make_product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, bool bias,
                                     const Tensor& y) const {
  Product p;
  p.a = matrix(a, transpose_a);
  p.b = matrix(b, transpose_b);
  p.y = matrix(y, false);
  if (bias) {
    p.bias = {{1, y.dim(1)}, memory::data_type::f32, memory::format_tag::ab};
    const auto desc = describe<dnnl::matmul>(engine_, p.a, p.b, p.bias, p.y);
    p.primitive = dnnl::matmul(desc);
    p.scratchpad = desc.scratchpad_desc();
  } else {
    const auto desc = describe<dnnl::matmul>(engine_, p.a, p.b, p.y);
    p.primitive = dnnl::matmul(desc);
    p.scratchpad = desc.scratchpad_desc();
  }
  return p;
}

void OneDnn::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias,
                    Tensor& y) {
  const Key key{a.dim(0), a.dim(1), transpose_a, b.dim(0), b.dim(1), transpose_b, bias.defined()};
  auto found = products_.find(key);
  if (found == products_.end())
    found = products_.emplace(key, make_product(a, transpose_a, b, transpose_b, bias.defined(), y)).first;
  const Product& p = found->second;
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, view(p.a, a)}, {DNNL_ARG_WEIGHTS, view(p.b, b)}, {DNNL_ARG_DST, view(p.y, y)}};
  if (bias) arguments.emplace(DNNL_ARG_BIAS, view(p.bias, bias));
  run(p.primitive, std::move(arguments), p.scratchpad);
}

}  // namespace tandem::cpu

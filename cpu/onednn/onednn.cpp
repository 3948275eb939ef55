#include "cpu/onednn/onednn.h"

#include <cstring>

#include "cpu/host/host_memory.h"

namespace tandem::cpu {
namespace {

using dnnl::memory;

/// oneDNN crashes where it finds no memory for the code that it writes for a primitive.
constexpr std::size_t kRoomForCode = std::size_t{16} << 20;

[[noreturn]] void fail_convolution(const ConvolutionProblem& problem, const dnnl::error& e) {
  fail("convolution {}: oneDNN: {}", problem.name(), e.what());
}

memory::data_type type_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return memory::data_type::f32;
    case DType::bf16:
      return memory::data_type::bf16;
    default:
      fail("oneDNN: {}, expected f32 or bf16", dtype);
  }
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

/// With what follows the convolution in inference.
dnnl::primitive_attr attributes(const ConvolutionProblem& problem) {
  // oneDNN's plain ReLU turns NaN into 0, and a network that has diverged into one that seems sound. With a slope below
  // zero, too small to matter and too large to be denormal, NaN stays NaN.
  constexpr float kSlope = 1e-30F;
  dnnl::post_ops ops;
  if (problem.adds) ops.append_sum(1.0F);
#if DNNL_VERSION_MAJOR < 3
  if (problem.relu) ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, kSlope, 0.0F);
#else
  if (problem.relu) ops.append_eltwise(dnnl::algorithm::eltwise_relu, kSlope, 0.0F);
#endif
  dnnl::primitive_attr attr = attributes();
  attr.set_post_ops(ops);
  return attr;
}

memory::desc activation(const Shape& x, DType dtype, memory::format_tag tag) {
  return {{x[0], x[3], x[1], x[2]}, type_of(dtype), tag};
}

memory::desc weights(const Shape& w, DType dtype, memory::format_tag tag) {
  return {{w[0], w[3], w[1], w[2]}, type_of(dtype), tag};
}

/// (rows, columns) of a matrix stored row-major, or of its transpose.
memory::desc matrix(const Tensor& m, bool transposed) {
  if (transposed) return {{m.dim(1), m.dim(0)}, type_of(m.dtype()), memory::format_tag::ba};
  return {{m.dim(0), m.dim(1)}, type_of(m.dtype()), memory::format_tag::ab};
}

// oneDNN 2 builds a primitive from a descriptor of the operation; oneDNN 3 has no such object.
template <class Primitive, class... Args>
typename Primitive::primitive_desc describe(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                            const Args&... args) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Primitive::desc(args...), attr, engine};
#else
  return {engine, args..., attr};
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
    : arena_(std::move(arena)),
      weight_kernels_(vector_kernels().weights),
      engine_(dnnl::engine::kind::cpu, 0),
      stream_(engine_) {}

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

OneDnn::Operand OneDnn::make_operand(int argument, const memory::desc& stored, const memory::desc& used, bool is_output,
                                     const Shape& w) const {
  Operand operand{argument, stored, used, {}, {}};
  if (used == stored) return operand;
  if (weight_kernels_ && (argument == DNNL_ARG_WEIGHTS || argument == DNNL_ARG_DIFF_WEIGHTS)) {
    const auto layout = layout_of(used, w);
    // Squares are what gradients come in; weights go out in the others.
    const bool known = layout && (layout->kind == WeightLayout::Kind::squares) == is_output;
    if (known && (!layout->bf16 || weight_kernels_->interleave)) operand.layout = layout;
  }
  const memory::desc &from = is_output ? used : stored, &to = is_output ? stored : used;
  operand.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(engine_, from, engine_, to));
  return operand;
}

OneDnn::Convolution OneDnn::make_convolution(Method method, const ConvolutionProblem& problem) const {
  require_host_memory(kRoomForCode);
  const Shape &x = problem.x, &w = problem.w;
  const Conv2dGeometry& geometry = problem.geometry;
  const Shape y{x[0], geometry.output(x[1], w[1]), geometry.output(x[2], w[2]), w[0]};
  const memory::dims strides{geometry.stride, geometry.stride}, padding{geometry.padding, geometry.padding};
  const auto algorithm =
      method == Method::winograd ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_direct;
  const auto layout = method == Method::winograd ? memory::format_tag::any : memory::format_tag::nhwc;
  const memory::desc in = activation(x, problem.dtype, layout), out = activation(y, problem.dtype, layout);
  const memory::desc stored_in = activation(x, problem.dtype, memory::format_tag::nhwc);
  const memory::desc stored_out = activation(y, problem.dtype, memory::format_tag::nhwc);
  const memory::desc any = weights(w, problem.dtype, memory::format_tag::any);
  const memory::desc stored_weights = weights(w, DType::f32, memory::format_tag::ohwi);
  if (problem.direction == Direction::inference) {
    const memory::desc bias{{w[0]}, memory::data_type::f32, memory::format_tag::x};
    const auto desc =
        describe<dnnl::convolution_forward>(engine_, attributes(problem), dnnl::prop_kind::forward_inference, algorithm,
                                            in, any, bias, out, strides, padding, padding);
    return {dnnl::convolution_forward(desc),
            {make_operand(DNNL_ARG_SRC, stored_in, desc.src_desc(), false, w),
             make_operand(DNNL_ARG_WEIGHTS, stored_weights, desc.weights_desc(), false, w)},
            make_operand(DNNL_ARG_DST, stored_out, desc.dst_desc(), true, w),
            desc.scratchpad_desc()};
  }
  const auto forward = describe<dnnl::convolution_forward>(engine_, attributes(), dnnl::prop_kind::forward_training,
                                                           algorithm, in, any, out, strides, padding, padding);
  switch (problem.direction) {
    case Direction::forward:
      return {dnnl::convolution_forward(forward),
              {make_operand(DNNL_ARG_SRC, stored_in, forward.src_desc(), false, w),
               make_operand(DNNL_ARG_WEIGHTS, stored_weights, forward.weights_desc(), false, w)},
              make_operand(DNNL_ARG_DST, stored_out, forward.dst_desc(), true, w),
              forward.scratchpad_desc()};
    case Direction::grad_input: {
      const auto desc = describe_gradient<dnnl::convolution_backward_data>(engine_, forward, algorithm, in, any, out,
                                                                           strides, padding, padding);
      return {dnnl::convolution_backward_data(desc),
              {make_operand(DNNL_ARG_DIFF_DST, stored_out, desc.diff_dst_desc(), false, w),
               make_operand(DNNL_ARG_WEIGHTS, stored_weights, desc.weights_desc(), false, w)},
              make_operand(DNNL_ARG_DIFF_SRC, stored_in, desc.diff_src_desc(), true, w),
              desc.scratchpad_desc()};
    }
    default:
      break;
  }
  const auto desc = describe_gradient<dnnl::convolution_backward_weights>(
      engine_, forward, algorithm, in, weights(w, DType::f32, memory::format_tag::any), out, strides, padding, padding);
  return {dnnl::convolution_backward_weights(desc),
          {make_operand(DNNL_ARG_SRC, stored_in, desc.src_desc(), false, w),
           make_operand(DNNL_ARG_DIFF_DST, stored_out, desc.diff_dst_desc(), false, w)},
          make_operand(DNNL_ARG_DIFF_WEIGHTS, stored_weights, desc.diff_weights_desc(), true, w),
          desc.scratchpad_desc()};
}

const OneDnn::Convolution* OneDnn::convolution(Method method, const ConvolutionProblem& problem) {
  const Shape &x = problem.x, &w = problem.w;
  const Key key{static_cast<std::int64_t>(problem.direction),
                static_cast<std::int64_t>(problem.dtype) * 8 + static_cast<std::int64_t>(method),
                problem.geometry.stride,
                problem.geometry.padding,
                x[0],
                x[1],
                x[2],
                x[3],
                w[0],
                w[1],
                w[2],
                problem.adds * 2 + problem.relu};
  auto found = convolutions_.find(key);
  if (found == convolutions_.end()) {
    std::optional<Convolution> made;
    try {
      made = make_convolution(method, problem);
    } catch (const dnnl::error& e) {
      // The others are there on some processors, in some versions.
      if (method == Method::direct || e.status != dnnl_unimplemented) fail_convolution(problem, e);
    }
    found = convolutions_.emplace(key, std::move(made)).first;
  }
  return found->second ? &*found->second : nullptr;
}

void OneDnn::convolve(Method method, const ConvolutionProblem& problem, const Tensor& a, const Tensor& b,
                      const Tensor& bias, Tensor& output) try {
  const Convolution& c = *convolution(method, problem);
  const auto used = [&](const Operand& operand, const Tensor& tensor) {
    if (!operand.reorder) return tensor;
    Tensor converted = temporary(operand.used);
    convert(operand, problem.w, tensor, converted, false);
    return converted;
  };
  const Tensor first = used(c.inputs[0], a), second = used(c.inputs[1], b);
  const Tensor result = c.output.reorder ? temporary(c.output.used) : output;
  // oneDNN 2.6 in bf16 reads scratch memory that it never wrote where the window is larger than the image.
  const bool larger = problem.w[1] > problem.x[1] || problem.w[2] > problem.x[2];
  std::unordered_map<int, memory> arguments{{c.inputs[0].argument, view(c.inputs[0].used, first)},
                                            {c.inputs[1].argument, view(c.inputs[1].used, second)},
                                            {c.output.argument, view(c.output.used, result)}};
  if (bias)
    arguments.emplace(DNNL_ARG_BIAS, view({{bias.size()}, memory::data_type::f32, memory::format_tag::x}, bias));
  run(c.primitive, std::move(arguments), c.scratchpad, larger && problem.direction == Direction::grad_weight);
  if (c.output.reorder) convert(c.output, problem.w, output, result, true);
} catch (const dnnl::error& e) {
  fail_convolution(problem, e);
}

void OneDnn::convert(const Operand& operand, const Shape& w, const Tensor& stored, const Tensor& used, bool is_output) {
  // The output is a handle to memory that is written; constness is the handle's.
  const auto data = [](const Tensor& tensor) { return const_cast<void*>(tensor.raw()); };
  if (operand.layout) {
    auto* weights = static_cast<float*>(data(stored));
    if (is_output)
      unpack_weights(*weight_kernels_, *operand.layout, w, static_cast<const float*>(data(used)), weights);
    else
      pack_weights(*weight_kernels_, *operand.layout, w, weights, data(used));
    return;
  }
  const memory outside = view(operand.stored, stored), inside = view(operand.used, used);
  operand.reorder.execute(stream_,
                          {{DNNL_ARG_FROM, is_output ? inside : outside}, {DNNL_ARG_TO, is_output ? outside : inside}});
  stream_.wait();
}

OneDnn::Product OneDnn::make_product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, bool bias,
                                     const Tensor& y) const {
  require_host_memory(kRoomForCode);
  Product p;
  p.a = matrix(a, transpose_a);
  p.b = matrix(b, transpose_b);
  p.y = matrix(y, false);
  if (bias) {
    p.bias = {{1, y.dim(1)}, memory::data_type::f32, memory::format_tag::ab};
    const auto desc = describe<dnnl::matmul>(engine_, attributes(), p.a, p.b, p.bias, p.y);
    p.primitive = dnnl::matmul(desc);
    p.scratchpad = desc.scratchpad_desc();
  } else {
    const auto desc = describe<dnnl::matmul>(engine_, attributes(), p.a, p.b, p.y);
    p.primitive = dnnl::matmul(desc);
    p.scratchpad = desc.scratchpad_desc();
  }
  return p;
}

void OneDnn::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias,
                    Tensor& y) try {
  const Key key{a.dim(0), a.dim(1),    transpose_a,    b.dim(0),
                b.dim(1), transpose_b, bias.defined(), static_cast<std::int64_t>(a.dtype())};
  auto found = products_.find(key);
  if (found == products_.end())
    found = products_.emplace(key, make_product(a, transpose_a, b, transpose_b, bias.defined(), y)).first;
  const Product& p = found->second;
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, view(p.a, a)}, {DNNL_ARG_WEIGHTS, view(p.b, b)}, {DNNL_ARG_DST, view(p.y, y)}};
  if (bias) arguments.emplace(DNNL_ARG_BIAS, view(p.bias, bias));
  run(p.primitive, std::move(arguments), p.scratchpad);
} catch (const dnnl::error& e) {
  fail("product of {}{} and {}{}: oneDNN: {}", a.shape(), transpose_a ? "'" : "", b.shape(), transpose_b ? "'" : "",
       e.what());
}

}  // namespace tandem::cpu

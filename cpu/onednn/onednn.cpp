#include "cpu/onednn/onednn.h"

#include <omp.h>

#include <cstring>

#include "cpu/activation.h"
#include "cpu/host/host_memory.h"
#include "cpu/onednn/pieces.h"

namespace tandem::cpu {
namespace {

using dnnl::memory;

/// oneDNN crashes where it finds no memory for the code that it writes for a primitive.
constexpr std::size_t kRoomForCode = std::size_t{16} << 20;

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

memory::desc activation(const Shape& x, DType dtype) {
  return {{x[0], x[3], x[1], x[2]}, type_of(dtype), memory::format_tag::nhwc};
}

/// w (K, R, S, C / G) as oneDNN's (K, C, R, S), or its (G, K / G, C / G, R, S) where there are several groups.
memory::dims weight_dims(const Shape& w, std::int64_t groups) {
  if (groups == 1) return {w[0], w[3], w[1], w[2]};
  return {groups, w[0] / groups, w[3], w[1], w[2]};
}

/// Laid out as oneDNN likes it.
memory::desc any_weights(const Shape& w, std::int64_t groups, DType dtype) {
  return {weight_dims(w, groups), type_of(dtype), memory::format_tag::any};
}

/// Laid out as Tandem does it.
memory::desc stored_weights(const Shape& w, std::int64_t groups) {
  return {weight_dims(w, groups), memory::data_type::f32,
          groups == 1 ? memory::format_tag::ohwi : memory::format_tag::gohwi};
}

/// (rows, columns) of a matrix stored row-major, its rows `stride` apart, or of its transpose.
memory::desc matrix(std::int64_t rows, std::int64_t columns, std::int64_t stride, bool transposed, DType dtype) {
  return {{rows, columns}, type_of(dtype), transposed ? memory::dims{1, stride} : memory::dims{stride, 1}};
}

/// While it lives, this thread makes primitives for one thread, and runs them on itself.
class Alone {
 public:
  Alone() { omp_set_num_threads(1); }
  ~Alone() { omp_set_num_threads(before_); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

/// The address of element `i` of a tensor.
void* at(const Tensor& tensor, std::int64_t i) {
  // oneDNN takes inputs by non-const pointer, and does not write to them.
  const auto size = static_cast<std::int64_t>(size_of(tensor.dtype()));
  return static_cast<std::byte*>(const_cast<void*>(tensor.raw())) + i * size;
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

OneDnn::OneDnn(std::shared_ptr<Arena> arena, Threads& threads)
    : arena_(std::move(arena)),
      threads_(threads),
      kernels_(vector_kernels()),
      weight_kernels_(kernels_.weights),
      engine_(dnnl::engine::kind::cpu, 0) {
  for (int i = 0; i < threads.count(); ++i) streams_.emplace_back(engine_);
}

std::string OneDnn::version() {
  const auto* v = dnnl::version();
  return fmt::format("oneDNN {}.{}.{}", v->major, v->minor, v->patch);
}

dnnl::memory OneDnn::view(const memory::desc& desc, const void* data) const {
  return {desc, engine_, const_cast<void*>(data)};
}

Tensor OneDnn::temporary(const memory::desc& desc) const {
  return {arena_, {static_cast<std::int64_t>(desc.get_size())}, DType::u8};
}

Tensor OneDnn::scratchpads(const memory::desc& a, const memory::desc& b) const {
  constexpr std::size_t kLine = 64;
  const std::size_t bytes = (std::max(a.get_size(), b.get_size()) + kLine - 1) / kLine * kLine;
  return {arena_, {threads_.count(), static_cast<std::int64_t>(bytes)}, DType::u8};
}

void OneDnn::run(const dnnl::primitive& primitive, const std::unordered_map<int, memory>& arguments, int thread) {
  const Alone alone;
  dnnl::stream& stream = streams_[static_cast<std::size_t>(thread)];
  primitive.execute(stream, arguments);
  stream.wait();
}

OneDnn::Weights OneDnn::make_weights(const ConvolutionProblem& problem, const memory::desc& used) const {
  const Shape& w = problem.w;
  const std::int64_t groups = problem.geometry.groups;
  const bool is_output = problem.direction == Direction::grad_weight;
  const memory::desc stored = stored_weights(w, groups);
  Weights weights{stored, used, is_output, {}, {}};
  if (used == stored) return weights;
  if (weight_kernels_) {
    const auto layout = layout_of(used, w);
    // Squares are what gradients come in; weights go out in the others.
    const bool known = layout && (layout->kind == WeightLayout::Kind::squares) == is_output;
    if (known && (!layout->bf16 || weight_kernels_->interleave)) weights.layout = layout;
  }
  if (weights.layout) return weights;
  const auto add = [&](const memory::desc& outside, const memory::desc& inside) {
    const memory::desc &from = is_output ? inside : outside, &to = is_output ? outside : inside;
    weights.reorders.emplace_back(dnnl::reorder::primitive_desc(engine_, from, engine_, to));
  };
  constexpr std::int64_t kFilters = 64;  // a piece: a multiple of the filters in a block
  try {
    const memory::dims part{kFilters, w[3], w[1], w[2]};
    for (std::int64_t k = 0; groups == 1 && w[0] % kFilters == 0 && k < w[0]; k += kFilters)
      add(stored.submemory_desc(part, {k, 0, 0, 0}), used.submemory_desc(part, {k, 0, 0, 0}));
  } catch (const dnnl::error&) {  // Filters do not come in blocks of so few in this layout.
    weights.reorders.clear();
  }
  if (weights.reorders.empty()) add(stored, used);
  return weights;
}

OneDnn::Convolution OneDnn::make_convolution(const ConvolutionProblem& problem) const {
  require_host_memory(kRoomForCode);
  const Alone alone;
  const Shape &x = problem.x, &w = problem.w;
  const Conv2dGeometry& geometry = problem.geometry;
  const Shape y{x[0], geometry.output(x[1], w[1]), geometry.output(x[2], w[2]), w[0]};
  const memory::dims strides{geometry.stride, geometry.stride}, padding{geometry.padding, geometry.padding};
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const memory::desc in = activation(x, problem.dtype), out = activation(y, problem.dtype);
  const memory::desc any = any_weights(w, geometry.groups, problem.dtype);
  if (problem.direction == Direction::inference) {
    const memory::desc bias{{w[0]}, memory::data_type::f32, memory::format_tag::x};
    const auto desc =
        describe<dnnl::convolution_forward>(engine_, attributes(problem), dnnl::prop_kind::forward_inference, algorithm,
                                            in, any, bias, out, strides, padding, padding);
    return {
        dnnl::convolution_forward(desc), {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST}, in, desc.weights_desc(), out,
        desc.scratchpad_desc(),          make_weights(problem, desc.weights_desc())};
  }
  const auto forward = describe<dnnl::convolution_forward>(engine_, attributes(), dnnl::prop_kind::forward_training,
                                                           algorithm, in, any, out, strides, padding, padding);
  switch (problem.direction) {
    case Direction::forward:
      return {dnnl::convolution_forward(forward),
              {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
              in,
              forward.weights_desc(),
              out,
              forward.scratchpad_desc(),
              make_weights(problem, forward.weights_desc())};
    case Direction::grad_input: {
      const auto desc = describe_gradient<dnnl::convolution_backward_data>(engine_, forward, algorithm, in, any, out,
                                                                           strides, padding, padding);
      return {dnnl::convolution_backward_data(desc),
              {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
              out,
              desc.weights_desc(),
              in,
              desc.scratchpad_desc(),
              make_weights(problem, desc.weights_desc())};
    }
    default:
      break;
  }
  const auto desc = describe_gradient<dnnl::convolution_backward_weights>(
      engine_, forward, algorithm, in, any_weights(w, geometry.groups, DType::f32), out, strides, padding, padding);
  return {dnnl::convolution_backward_weights(desc),
          {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS},
          in,
          out,
          desc.diff_weights_desc(),
          desc.scratchpad_desc(),
          make_weights(problem, desc.diff_weights_desc())};
}

const OneDnn::Convolution& OneDnn::convolution(const ConvolutionProblem& problem) {
  const Shape &x = problem.x, &w = problem.w;
  const Key key{static_cast<std::int64_t>(problem.direction),
                static_cast<std::int64_t>(problem.dtype),
                problem.geometry.stride,
                problem.geometry.padding,
                problem.geometry.groups,
                x[0],
                x[1],
                x[2],
                x[3],
                w[0],
                w[1],
                w[2],
                problem.adds * 2 + problem.relu};
  auto found = convolutions_.find(key);
  if (found == convolutions_.end()) found = convolutions_.emplace(key, make_convolution(problem)).first;
  return found->second;
}

void OneDnn::convolve(const ConvolutionProblem& problem, const Tensor& a, const Tensor& b, const Tensor& bias,
                      Tensor& output) try {
  if (problem.direction == Direction::grad_weight) return sum_pieces(problem, a, b, output);
  convolve_pieces(problem, a, b, bias, output);
} catch (const dnnl::error& e) {
  fail("convolution {}: oneDNN: {}", problem.name(), e.what());
}

Tensor OneDnn::used_weights(const Weights& weights, const Shape& shape, const Tensor& w) {
  if (weights.used == weights.stored) return w;
  Tensor used = temporary(weights.used);
  convert(weights, shape, w, used);
  return used;
}

void OneDnn::convolve_pieces(const ConvolutionProblem& problem, const Tensor& a, const Tensor& w, const Tensor& bias,
                             Tensor& output) {
  const ConvolutionPieces pieces(problem);
  // The last piece may be smaller, and have weights laid out in another way.
  const Convolution &usual = convolution(pieces.part(0)), &last = convolution(pieces.part(pieces.count() - 1));
  const Tensor weights = used_weights(usual.weights, problem.w, w);
  const Tensor last_weights = last.second == usual.second ? weights : used_weights(last.weights, problem.w, w);
  const Tensor scratch = scratchpads(usual.scratchpad, last.scratchpad);
  const std::int64_t a_unit = a.size() / pieces.units(), output_unit = output.size() / pieces.units();
  threads_.for_each(pieces.count(), [&](std::int64_t piece, int thread) {
    const bool is_last = piece == pieces.count() - 1;
    const Convolution& c = is_last ? last : usual;
    const std::int64_t unit = pieces.first(piece);
    std::unordered_map<int, memory> arguments{
        {c.arguments[0], view(c.first, at(a, unit * a_unit))},
        {c.arguments[1], view(c.second, (is_last ? last_weights : weights).raw())},
        {c.arguments[2], view(c.output, at(output, unit * output_unit))},
        {DNNL_ARG_SCRATCHPAD, view(c.scratchpad, at(scratch, thread * scratch.dim(1)))}};
    if (bias)
      arguments.emplace(DNNL_ARG_BIAS,
                        view({{bias.size()}, memory::data_type::f32, memory::format_tag::x}, bias.raw()));
    run(c.primitive, arguments, thread);
  });
}

void OneDnn::sum_pieces(const ConvolutionProblem& problem, const Tensor& x, const Tensor& dy, Tensor& dw) {
  const ConvolutionPieces cut(problem);
  // Pieces that do not lay their sums out alike cannot be added.
  const bool alike = convolution(cut.part(0)).output == convolution(cut.part(cut.count() - 1)).output;
  const ConvolutionPieces pieces = alike ? cut : ConvolutionPieces::whole(problem);
  const Convolution &usual = convolution(pieces.part(0)), &last = convolution(pieces.part(pieces.count() - 1));
  constexpr std::int64_t kLine = 16;  // floats
  const std::int64_t size =
      (static_cast<std::int64_t>(usual.output.get_size() / sizeof(float)) + kLine - 1) / kLine * kLine;
  const bool direct = pieces.count() == 1 && usual.weights.used == usual.weights.stored;
  Tensor sums = direct ? dw : Tensor(arena_, {pieces.count(), size}, DType::f32);
  const Tensor scratch = scratchpads(usual.scratchpad, last.scratchpad);
  // oneDNN 2.6 in bf16 reads scratch memory that it never wrote where the window is larger than the image.
  const bool clear = problem.w[1] > problem.x[1] || problem.w[2] > problem.x[2];
  const std::int64_t x_unit = x.size() / pieces.units(), dy_unit = dy.size() / pieces.units();
  threads_.for_each(pieces.count(), [&](std::int64_t piece, int thread) {
    const Convolution& c = piece == pieces.count() - 1 ? last : usual;
    const std::int64_t unit = pieces.first(piece);
    void* const scratchpad = at(scratch, thread * scratch.dim(1));
    if (clear) std::memset(scratchpad, 0, c.scratchpad.get_size());
    run(c.primitive,
        {{c.arguments[0], view(c.first, at(x, unit * x_unit))},
         {c.arguments[1], view(c.second, at(dy, unit * dy_unit))},
         {c.arguments[2], view(c.output, at(sums, piece * size))},
         {DNNL_ARG_SCRATCHPAD, view(c.scratchpad, scratchpad)}},
        thread);
  });
  if (pieces.count() > 1)
    parallel_pieces(threads_, size, kGrain, [&](std::int64_t begin, std::int64_t end) {
      auto* total = sums.data<float>() + begin;
      for (std::int64_t piece = 1; piece < pieces.count(); ++piece)
        kernels_.f32.add(total, sums.data<float>() + piece * size + begin, end - begin, total);
    });
  if (direct) return;
  if (usual.weights.used == usual.weights.stored)
    std::memcpy(dw.raw(), sums.raw(), dw.bytes());
  else
    convert(usual.weights, problem.w, dw, sums);
}

void OneDnn::convert(const Weights& weights, const Shape& shape, const Tensor& stored, const Tensor& used) {
  // The output is a handle to memory that is written; constness is the handle's.
  const auto data = [](const Tensor& tensor) { return const_cast<void*>(tensor.raw()); };
  if (weights.layout) {
    auto* outside = static_cast<float*>(data(stored));
    if (weights.is_output)
      unpack_weights(threads_, *weight_kernels_, *weights.layout, shape, static_cast<const float*>(data(used)),
                     outside);
    else
      pack_weights(threads_, *weight_kernels_, *weights.layout, shape, outside, data(used));
    return;
  }
  const auto pieces = static_cast<std::int64_t>(weights.reorders.size());
  const std::int64_t filters = shape[0] / pieces;
  const memory::dims part{filters, shape[3], shape[1], shape[2]};
  threads_.for_each(pieces, [&](std::int64_t piece, int thread) {
    const memory::dims from{piece * filters, 0, 0, 0};
    const auto part_of = [&](const memory::desc& desc) { return pieces == 1 ? desc : desc.submemory_desc(part, from); };
    const memory outside = view(part_of(weights.stored), stored.raw()),
                 inside = view(part_of(weights.used), used.raw());
    run(weights.reorders[static_cast<std::size_t>(piece)],
        {{DNNL_ARG_FROM, weights.is_output ? inside : outside}, {DNNL_ARG_TO, weights.is_output ? outside : inside}},
        thread);
  });
}

OneDnn::Product OneDnn::make_product(const ProductShape& z) const {
  require_host_memory(kRoomForCode);
  const Alone alone;
  Product p;
  p.a = matrix(z.rows, z.steps, z.a_stride, z.transpose_a, z.dtype);
  p.b = matrix(z.steps, z.columns, z.b_stride, z.transpose_b, z.dtype);
  p.y = matrix(z.rows, z.columns, z.y_stride, false, DType::f32);
  if (z.bias) {
    p.bias = {{1, z.columns}, memory::data_type::f32, memory::format_tag::ab};
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

const OneDnn::Product& OneDnn::product(const ProductShape& z) {
  const Key key{z.rows,        z.columns,     z.steps,
                z.transpose_a, z.transpose_b, z.a_stride,
                z.b_stride,    z.y_stride,    static_cast<std::int64_t>(z.dtype),
                z.bias};
  auto found = products_.find(key);
  if (found == products_.end()) found = products_.emplace(key, make_product(z)).first;
  return found->second;
}

void OneDnn::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias,
                    Tensor& y) try {
  const std::int64_t rows = y.dim(0), columns = y.dim(1);
  const std::int64_t steps = a.dim(transpose_a ? 0 : 1);
  if (b.dim(transpose_b ? 1 : 0) != steps || a.dim(transpose_a ? 1 : 0) != rows ||
      b.dim(transpose_b ? 0 : 1) != columns)
    throw dnnl::error(dnnl_invalid_arguments, "the shapes do not fit together");
  const ProductPieces pieces(rows, columns);
  const auto shape_of = [&](std::int64_t piece) {
    return ProductShape{
        pieces.rows(piece), pieces.columns(piece), steps, transpose_a, transpose_b, a.dim(1), b.dim(1), columns,
        a.dtype(),          bias.defined()};
  };
  const Product &usual = product(shape_of(0)), &last = product(shape_of(pieces.count() - 1));
  const Tensor scratch = scratchpads(usual.scratchpad, last.scratchpad);
  threads_.for_each(pieces.count(), [&](std::int64_t piece, int thread) {
    const Product& p = piece == pieces.count() - 1 ? last : usual;
    const std::int64_t row = pieces.first_row(piece), column = pieces.first_column(piece);
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, view(p.a, at(a, transpose_a ? row : row * a.dim(1)))},
        {DNNL_ARG_WEIGHTS, view(p.b, at(b, transpose_b ? column * b.dim(1) : column))},
        {DNNL_ARG_DST, view(p.y, at(y, row * columns + column))},
        {DNNL_ARG_SCRATCHPAD, view(p.scratchpad, at(scratch, thread * scratch.dim(1)))}};
    if (bias) arguments.emplace(DNNL_ARG_BIAS, view(p.bias, at(bias, column)));
    run(p.primitive, arguments, thread);
  });
} catch (const dnnl::error& e) {
  fail("product of {}{} and {}{}: oneDNN: {}", a.shape(), transpose_a ? "'" : "", b.shape(), transpose_b ? "'" : "",
       e.what());
}

}  // namespace tandem::cpu

// onednn.hpp - what both halves of the oneDNN engine share: one processor, one queue, memories, and the weights of engine.h in the
// library's order.
#ifndef BENCH_ONEDNN_HPP
#define BENCH_ONEDNN_HPP

#include "engine.h"
#include <cmath>
#include <cstring>
#include <dnnl.hpp>
#include <string>

namespace bench {

using dnnl::memory;
using Tag = memory::format_tag;

inline dnnl::engine &processor() {
  static dnnl::engine it(dnnl::engine::kind::cpu, 0);
  return it;
}
inline dnnl::stream &queue() {
  static dnnl::stream it(processor());
  return it;
}

inline memory::desc shape(const memory::dims &dims, Tag tag) { return memory::desc(dims, memory::data_type::f32, tag); }
inline float *values(const memory &it) { return static_cast<float *>(it.get_data_handle()); }
inline memory zeros(const memory::desc &desc) {
  memory it(desc, processor());
  std::memset(it.get_data_handle(), 0, desc.get_size());
  return it;
}
inline void reorder(const memory &from, const memory &to) {
  memory source = from, target = to;
  dnnl::reorder(source, target).execute(queue(), source, target);
}

// Versions 2 and 3 of the library differ in where the description of a primitive is put together.
template <class Primitive, class... Arguments> typename Primitive::primitive_desc describe(const Arguments &...arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(processor(), arguments...);
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), processor());
#endif
}

// The same for a backward primitive, which wants to know its forward one.
template <class Primitive, class Forward, class... Arguments>
typename Primitive::primitive_desc describe_backward(const Forward &forward, const Arguments &...arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(processor(), arguments..., forward);
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), processor(), forward);
#endif
}

inline int gate_count(const std::string &cell) { return cell == "lstm" ? 4 : cell == "gru" ? 3 : 1; }

// The library's number of a gate: its gru has the update gate before the reset gate.
inline int gate_place(int gate, int gates) { return gates == 3 && gate < 2 ? 1 - gate : gate; }

// Draws PyTorch's [gates * hidden][count] into the library's plain layout, [count][gates][hidden] (ldigo).
inline void draw_weights(float *plain, int count, int gates, int hidden, uint32_t *state) {
  const float scale = 1 / std::sqrt(static_cast<float>(hidden));
  for (int gate = 0; gate < gates; gate++)
    for (int unit = 0; unit < hidden; unit++)
      for (int i = 0; i < count; i++)
        plain[(static_cast<size_t>(i) * gates + gate_place(gate, gates)) * hidden + unit] = scale * bench_uniform(state);
}

// Where bias `kind` (0: of the inputs, 1: of the state) of a gate goes: both into one, but for the new gate of a gru.
inline int bias_place(int kind, int gate, int gates) { return kind == 1 && gates == 3 && gate == 2 ? 3 : gate_place(gate, gates); }
inline int bias_count(int gates) { return gates == 3 ? 4 : gates; }

} // namespace bench

#endif // BENCH_ONEDNN_HPP

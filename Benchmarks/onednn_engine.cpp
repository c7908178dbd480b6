// oneDNN (https://github.com/oneapi-src/oneDNN) as an engine: streaming with a batch of one, and whole sequences. The library gets its
// weights in the layout that it asks for, packed once; the dense head is a plain loop. Training: onednn_training.cpp.
#include "onednn.hpp"
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace bench;

// One layer for T steps of B sequences. A streaming layer reads and writes its state in two memories that take turns.
class Layer {
public:
  memory input, output;

  Layer(const std::string &cell, int inputs, int hidden, int T, int B, bool is_streaming, uint32_t *state) {
    const int gates = gate_count(cell), biases = bias_count(gates);
    const auto x = shape({T, B, inputs}, Tag::tnc), y = shape({T, B, hidden}, Tag::tnc), kept = shape({1, 1, B, hidden}, Tag::ldnc);
    const auto s = is_streaming ? kept : memory::desc();
    const auto wi = shape({1, 1, inputs, gates, hidden}, Tag::any), wh = shape({1, 1, hidden, gates, hidden}, Tag::any);
    const auto b = shape({1, 1, biases, hidden}, Tag::ldgo);
    const auto inference = dnnl::prop_kind::forward_inference;
    const auto forward = dnnl::rnn_direction::unidirectional_left2right;
    if (gates == 4)
      set(describe<dnnl::lstm_forward>(inference, forward, x, s, s, wi, wh, b, y, s, s));
    else if (gates == 3) // "linear before reset" is the gru whose reset gate comes after the product
      set(describe<dnnl::lbr_gru_forward>(inference, forward, x, s, wi, wh, b, y, s));
    else
      set(describe<dnnl::vanilla_rnn_forward>(inference, dnnl::algorithm::eltwise_tanh, forward, x, s, wi, wh, b, y, s));

    const memory packed_input = draw(inputs, gates, hidden, input_weights_, state);
    const memory packed_hidden = draw(hidden, gates, hidden, hidden_weights_, state);
    const memory bias = draw_bias(gates, hidden, b, state);
    input = zeros(x), output = zeros(y);
    memory states[] = {zeros(kept), zeros(kept)}, cells[] = {zeros(kept), zeros(kept)};
    for (int turn = 0; turn < 2; turn++) {
      auto &a = arguments_[turn];
      a = {{DNNL_ARG_SRC_LAYER, input},
           {DNNL_ARG_DST_LAYER, output},
           {DNNL_ARG_WEIGHTS_LAYER, packed_input},
           {DNNL_ARG_WEIGHTS_ITER, packed_hidden},
           {DNNL_ARG_BIAS, bias}};
      if (!is_streaming) continue;
      a.insert({{DNNL_ARG_SRC_ITER, states[turn]}, {DNNL_ARG_DST_ITER, states[1 - turn]}});
      if (gates == 4) a.insert({{DNNL_ARG_SRC_ITER_C, cells[turn]}, {DNNL_ARG_DST_ITER_C, cells[1 - turn]}});
    }
  }

  void run(int turn) { primitive_.execute(queue(), arguments_[turn]); }

private:
  dnnl::primitive primitive_;
  memory::desc input_weights_, hidden_weights_;
  std::unordered_map<int, memory> arguments_[2];

  template <class Desc> void set(const Desc &desc) {
    input_weights_ = desc.weights_layer_desc(), hidden_weights_ = desc.weights_iter_desc();
    primitive_ = dnnl::primitive(desc);
  }

  // Packs drawn weights as the primitive wants them.
  static memory draw(int count, int gates, int hidden, const memory::desc &packed, uint32_t *state) {
    memory plain(shape({1, 1, count, gates, hidden}, Tag::ldigo), processor());
    draw_weights(values(plain), count, gates, hidden, state);
    memory result(packed, processor());
    reorder(plain, result);
    queue().wait();
    return result;
  }

  static memory draw_bias(int gates, int hidden, const memory::desc &desc, uint32_t *state) {
    memory bias = zeros(desc);
    const float scale = 1 / std::sqrt(static_cast<float>(hidden));
    for (int kind = 0; kind < 2; kind++)
      for (int gate = 0; gate < gates; gate++)
        for (int unit = 0; unit < hidden; unit++)
          values(bias)[bias_place(kind, gate, gates) * hidden + unit] += scale * bench_uniform(state);
    return bias;
  }
};

struct Network {
  std::vector<Layer> layers;
  std::vector<float> head;
  int turn = 0;
};

Network *make(const char *cell, int in, int hid, int layers, int T, int B, bool is_streaming) try {
  uint32_t state = BENCH_SEED;
  auto *it = new Network;
  for (int i = 0; i < layers; i++) it->layers.emplace_back(cell, i == 0 ? in : hid, hid, T, B, is_streaming, &state);
  it->head.resize(static_cast<size_t>(hid) + 1);
  bench_fill(it->head.data(), it->head.size(), 1 / std::sqrt(static_cast<float>(hid)), &state);
  return it;
} catch (const dnnl::error &) { return nullptr; } // what this build or processor does not offer

} // namespace

extern "C" {

const char *peer_name(void) { return "onednn"; }

void *peer_new(const char *cell, int in, int hid, int layers) { return make(cell, in, hid, layers, 1, 1, true); }

void peer_step(void *handle, const float *x, float *y) {
  auto *it = static_cast<Network *>(handle);
  for (Layer &layer : it->layers) {
    std::memcpy(layer.input.get_data_handle(), x, layer.input.get_desc().get_size());
    layer.run(it->turn);
    x = values(layer.output);
  }
  queue().wait();
  it->turn = 1 - it->turn;
  const size_t hidden = it->head.size() - 1;
  float sum = it->head[hidden];
  for (size_t unit = 0; unit < hidden; unit++) sum += it->head[unit] * x[unit];
  y[0] = sum;
}

void peer_free(void *handle) { delete static_cast<Network *>(handle); }

void *peer_seq_new(const char *cell, int in, int hid, int layers, int T, int B) {
  return layers == 1 ? make(cell, in, hid, 1, T, B, false) : nullptr;
}

void peer_seq_run(void *handle, const float *x, float *y) {
  Layer &layer = static_cast<Network *>(handle)->layers[0];
  layer.input.set_data_handle(const_cast<float *>(x)); // computed in place, without copies
  layer.output.set_data_handle(y);
  layer.run(0);
  queue().wait();
}

} // extern "C"

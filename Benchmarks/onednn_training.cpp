// oneDNN as an engine that trains: its forward and backward primitives for lstm and gru, its sgemm for the dense head; softmax, loss,
// clipping and Adam are loops here, which the compiler makes vectors of and OpenMP shares among the threads that OMP_NUM_THREADS says.
#include "onednn.hpp"
#include <algorithm>
#include <chrono>
#include <memory>
#include <unordered_map>
#include <vector>

namespace {

using namespace bench;

double now_ns() { return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// All parameters in one array, so that clipping and Adam are one loop.
struct Parameters {
  std::vector<float> values, gradients, first, second;
  int updates = 0;

  size_t reserve(size_t count) {
    const size_t place = values.size();
    for (auto *it : {&values, &gradients, &first, &second}) it->resize(place + count);
    return place;
  }

  // The global norm is limited to 5; then Adam as PyTorch defines it.
  void update() {
    const float *g = gradients.data();
    const size_t count = gradients.size();
    double squares = 0;
#pragma omp parallel for simd reduction(+ : squares)
    for (size_t i = 0; i < count; i++) squares += static_cast<double>(g[i]) * g[i];
    const float scale = static_cast<float>(std::min(1.0, 5 / (std::sqrt(squares) + 1e-6)));
    updates++;
    const float rate = static_cast<float>(0.002 / (1 - std::pow(0.9, updates)));
    const float correction = static_cast<float>(1 / std::sqrt(1 - std::pow(0.999, updates)));
    float *w = values.data(), *m = first.data(), *v = second.data();
#pragma omp parallel for simd
    for (size_t i = 0; i < count; i++) {
      const float gradient = g[i] * scale;
      m[i] = 0.9f * m[i] + 0.1f * gradient;
      v[i] = 0.999f * v[i] + 0.001f * gradient * gradient;
      w[i] -= rate * m[i] / (std::sqrt(v[i]) * correction + 1e-8f);
    }
  }
};

// One layer. Its parameters stand in the common array: weights of inputs and state in the library's plain layout, then both biases.
class TrainedLayer {
public:
  memory input, output, input_gradient, output_gradient;

  TrainedLayer(const std::string &cell, int inputs, int hidden, int T, int B, Parameters &parameters, uint32_t *state)
      : parameters_(parameters), gates_(gate_count(cell)), inputs_(inputs), hidden_(hidden) {
    const auto x = shape({T, B, inputs}, Tag::tnc), y = shape({T, B, hidden}, Tag::tnc), none = memory::desc();
    const auto wi = shape({1, 1, inputs, gates_, hidden}, Tag::any), wh = shape({1, 1, hidden, gates_, hidden}, Tag::any);
    const auto b = shape({1, 1, bias_count(gates_), hidden}, Tag::ldgo), h = shape({1, 1, B, hidden}, Tag::ldnc);
    const auto training = dnnl::prop_kind::forward_training, backward = dnnl::prop_kind::backward;
    const auto direction = dnnl::rnn_direction::unidirectional_left2right;
    input = zeros(x), output = zeros(y), input_gradient = zeros(x), output_gradient = zeros(y);
    bias_ = zeros(b), bias_gradient_ = zeros(b);
    if (gates_ == 4) {
      // Version 2.6 takes a state that was left out for zero forward, but not in the gradient of weights: its zeros are handed over.
      const auto forward = describe<dnnl::lstm_forward>(training, direction, x, h, h, wi, wh, b, y, none, none);
      set(forward, describe_backward<dnnl::lstm_backward>(forward, backward, direction, x, h, h, wi, wh, b, y, none, none, x, h, h, wi, wh,
                                                          b, y, none, none));
      for (auto &it : states_) it = zeros(h);
    } else { // "linear before reset" is the gru whose reset gate comes after the product
      const auto forward = describe<dnnl::lbr_gru_forward>(training, direction, x, none, wi, wh, b, y, none);
      set(forward, describe_backward<dnnl::lbr_gru_backward>(forward, backward, direction, x, none, wi, wh, b, y, none, x, none, wi, wh, b,
                                                             y, none));
    }
    const size_t width = static_cast<size_t>(gates_) * hidden, counts[] = {width * inputs, width * hidden, 2 * width};
    for (int i = 0; i < 3; i++) places_[i] = parameters.reserve(counts[i]);
    draw_weights(&parameters.values[places_[0]], inputs, gates_, hidden, state);
    draw_weights(&parameters.values[places_[1]], hidden, gates_, hidden, state);
    bench_fill(&parameters.values[places_[2]], counts[2], 1 / std::sqrt(static_cast<float>(hidden)), state);
  }

  // Once the common array stands still. `before`: the layer below, or NULL.
  void connect(const TrainedLayer *before) {
    if (before) input = before->output, input_gradient = before->output_gradient;
    const int counts[] = {inputs_, hidden_};
    for (int i = 0; i < 2; i++) {
      const auto plain = shape({1, 1, counts[i], gates_, hidden_}, Tag::ldigo);
      plain_[i] = memory(plain, processor(), &parameters_.values[places_[i]]);
      plain_gradient_[i] = memory(plain, processor(), &parameters_.gradients[places_[i]]);
      if (weight_gradient_[i].get_desc() == plain) weight_gradient_[i] = plain_gradient_[i];
    }
    forward_arguments_ = {{DNNL_ARG_SRC_LAYER, input},
                          {DNNL_ARG_WEIGHTS_LAYER, forward_weights_[0]},
                          {DNNL_ARG_WEIGHTS_ITER, forward_weights_[1]},
                          {DNNL_ARG_BIAS, bias_},
                          {DNNL_ARG_DST_LAYER, output},
                          {DNNL_ARG_WORKSPACE, workspace_}};
    if (states_[0]) forward_arguments_.insert({{DNNL_ARG_SRC_ITER, states_[0]}, {DNNL_ARG_SRC_ITER_C, states_[1]}});
    backward_arguments_ = forward_arguments_;
    if (states_[0]) backward_arguments_.insert({{DNNL_ARG_DIFF_SRC_ITER, states_[2]}, {DNNL_ARG_DIFF_SRC_ITER_C, states_[3]}});
    backward_arguments_[DNNL_ARG_WEIGHTS_LAYER] = backward_weights_[0];
    backward_arguments_[DNNL_ARG_WEIGHTS_ITER] = backward_weights_[1];
    backward_arguments_.insert({{DNNL_ARG_DIFF_SRC_LAYER, input_gradient},
                                {DNNL_ARG_DIFF_WEIGHTS_LAYER, weight_gradient_[0]},
                                {DNNL_ARG_DIFF_WEIGHTS_ITER, weight_gradient_[1]},
                                {DNNL_ARG_DIFF_BIAS, bias_gradient_},
                                {DNNL_ARG_DIFF_DST_LAYER, output_gradient}});
  }

  void forward() {
    for (int i = 0; i < 2; i++) reorder(plain_[i], forward_weights_[i]);
    std::memset(values(bias_), 0, bias_.get_desc().get_size());
    each_bias([](float &parameter, float &, float &bias, float &) { bias += parameter; });
    forward_.execute(queue(), forward_arguments_);
  }

  // The primitive adds to the gradients of weights, which therefore begin at zero.
  void backward() {
    for (int i = 0; i < 2; i++) {
      reorder(plain_[i], backward_weights_[i]);
      std::memset(weight_gradient_[i].get_data_handle(), 0, weight_gradient_[i].get_desc().get_size());
    }
    std::memset(values(bias_gradient_), 0, bias_gradient_.get_desc().get_size());
    backward_.execute(queue(), backward_arguments_);
    for (int i = 0; i < 2; i++)
      if (weight_gradient_[i].get_data_handle() != plain_gradient_[i].get_data_handle()) reorder(weight_gradient_[i], plain_gradient_[i]);
    queue().wait();
    each_bias([](float &, float &gradient, float &, float &bias_gradient) { gradient = bias_gradient; });
  }

private:
  Parameters &parameters_;
  int gates_, inputs_, hidden_;
  size_t places_[3];
  dnnl::primitive forward_, backward_;
  memory plain_[2], plain_gradient_[2], forward_weights_[2], backward_weights_[2], weight_gradient_[2]; // of inputs, of the state
  memory bias_, bias_gradient_, workspace_, states_[4]; // of an lstm: hidden and cell state before the first step, their gradients
  std::unordered_map<int, memory> forward_arguments_, backward_arguments_;

  template <class Forward, class Backward> void set(const Forward &forward, const Backward &backward) {
    forward_ = dnnl::primitive(forward), backward_ = dnnl::primitive(backward);
    workspace_ = memory(forward.workspace_desc(), processor());
    forward_weights_[0] = zeros(forward.weights_layer_desc()), forward_weights_[1] = zeros(forward.weights_iter_desc());
    backward_weights_[0] = zeros(backward.weights_layer_desc()), backward_weights_[1] = zeros(backward.weights_iter_desc());
    weight_gradient_[0] = zeros(backward.diff_weights_layer_desc()), weight_gradient_[1] = zeros(backward.diff_weights_iter_desc());
  }

  // PyTorch's two biases, both learned, and where the primitive has their sum.
  template <class Body> void each_bias(Body body) {
    float *parameter = &parameters_.values[places_[2]], *gradient = &parameters_.gradients[places_[2]];
    for (int kind = 0; kind < 2; kind++)
      for (int gate = 0; gate < gates_; gate++)
        for (int unit = 0; unit < hidden_; unit++, parameter++, gradient++) {
          const int place = bias_place(kind, gate, gates_) * hidden_ + unit;
          body(*parameter, *gradient, values(bias_)[place], values(bias_gradient_)[place]);
        }
  }
};

struct Training {
  Parameters parameters;
  std::vector<std::unique_ptr<TrainedLayer>> layers;
  std::vector<float> logits;
  size_t head_weight, head_bias;
  int rows, inputs, hidden, outputs;
  bool has_tokens;

  void forward(const int *tx, const float *x) {
    TrainedLayer &first = *layers.front();
    float *input = values(first.input);
    if (has_tokens) {
#pragma omp parallel for
      for (int row = 0; row < rows; row++) {
        std::memset(input + static_cast<size_t>(row) * inputs, 0, sizeof(float) * inputs);
        input[static_cast<size_t>(row) * inputs + tx[row]] = 1;
      }
    } else
      std::memcpy(input, x, first.input.get_desc().get_size());
    for (auto &layer : layers) layer->forward();
    queue().wait();
    const float *bias = &parameters.values[head_bias];
    for (int row = 0; row < rows; row++) std::copy(bias, bias + outputs, &logits[static_cast<size_t>(row) * outputs]);
    dnnl_sgemm('N', 'T', rows, outputs, hidden, 1, values(layers.back()->output), hidden, &parameters.values[head_weight], hidden, 1,
               logits.data(), outputs);
  }

  // Mean softmax cross-entropy; leaves its gradient in the logits.
  double cross_entropy(const int *ty) {
    const float share = 1.0f / static_cast<float>(rows);
    double loss = 0;
#pragma omp parallel for reduction(+ : loss)
    for (int row = 0; row < rows; row++) {
      float *z = &logits[static_cast<size_t>(row) * outputs], largest = z[0], sum = 0;
      for (int i = 1; i < outputs; i++) largest = std::max(largest, z[i]);
      const float chosen = z[ty[row]] - largest;
      for (int i = 0; i < outputs; i++) z[i] = std::exp(z[i] - largest), sum += z[i];
      loss += std::log(sum) - chosen;
      for (int i = 0; i < outputs; i++) z[i] *= share / sum;
      z[ty[row]] -= share;
    }
    return loss * share;
  }

  double squared_error(const float *y) {
    const size_t count = logits.size();
    double loss = 0;
    for (size_t i = 0; i < count; i++) {
      const float difference = logits[i] - y[i];
      loss += static_cast<double>(difference) * difference;
      logits[i] = 2 * difference / static_cast<float>(count);
    }
    return loss / static_cast<double>(count);
  }

  void backward() {
    TrainedLayer &last = *layers.back();
    float *bias_gradient = &parameters.gradients[head_bias];
    std::fill(bias_gradient, bias_gradient + outputs, 0.0f);
    for (int row = 0; row < rows; row++)
      for (int i = 0; i < outputs; i++) bias_gradient[i] += logits[static_cast<size_t>(row) * outputs + i];
    dnnl_sgemm('T', 'N', outputs, hidden, rows, 1, logits.data(), outputs, values(last.output), hidden, 0,
               &parameters.gradients[head_weight], hidden);
    dnnl_sgemm('N', 'N', rows, hidden, outputs, 1, logits.data(), outputs, &parameters.values[head_weight], hidden, 0,
               values(last.output_gradient), hidden);
    for (size_t i = layers.size(); i-- > 0;) layers[i]->backward();
  }

  // ns: NULL, or room for the times of engine.h's three parts.
  float update(const int *tx, const int *ty, const float *x, const float *y, double *ns) {
    const double start = now_ns();
    forward(tx, x);
    const double loss = has_tokens ? cross_entropy(ty) : squared_error(y), after_forward = now_ns();
    backward();
    const double after_backward = now_ns();
    parameters.update();
    if (ns) ns[0] = after_forward - start, ns[1] = after_backward - after_forward, ns[2] = now_ns() - after_backward;
    return static_cast<float>(loss);
  }
};

} // namespace

extern "C" {

void *peer_train_new(const char *task, const char *cell, int in, int hid, int layers, int out, int B, int T, int) try {
  if (gate_count(cell) == 1) return nullptr;
  auto it = std::make_unique<Training>();
  uint32_t state = BENCH_SEED;
  it->rows = T * B, it->inputs = in, it->hidden = hid, it->outputs = out, it->has_tokens = std::string(task) == "charlm";
  for (int i = 0; i < layers; i++)
    it->layers.push_back(std::make_unique<TrainedLayer>(cell, i == 0 ? in : hid, hid, T, B, it->parameters, &state));
  it->head_weight = it->parameters.reserve(static_cast<size_t>(out) * hid), it->head_bias = it->parameters.reserve(out);
  bench_fill(&it->parameters.values[it->head_weight], static_cast<size_t>(out) * (hid + 1), 1 / std::sqrt(static_cast<float>(hid)), &state);
  for (int i = 0; i < layers; i++) it->layers[i]->connect(i == 0 ? nullptr : it->layers[i - 1].get());
  it->logits.resize(static_cast<size_t>(it->rows) * out);
  return it.release();
} catch (const dnnl::error &) { return nullptr; } // what this build or processor does not offer

float peer_train_step(void *handle, const int *tx, const int *ty, const float *x, const float *y) {
  return static_cast<Training *>(handle)->update(tx, ty, x, y, nullptr);
}

void peer_train_parts(void *handle, const int *tx, const int *ty, const float *x, const float *y, double *ns) {
  static_cast<Training *>(handle)->update(tx, ty, x, y, ns);
}

} // extern "C"

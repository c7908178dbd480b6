"""ONNX Runtime as an engine, through its Python package: prints the same lines of results as the host.

usage: onnxruntime_bench.py FOLDER [step] [sequence]        FOLDER: where plain-col.so is, to compare numbers with

It runs in a process of its own, after the others and not in turn with them. A step's time includes a few microseconds of Python,
though inputs, outputs and states are bound once; for sequences that does not count.
"""

import ctypes
import os
import statistics
import sys
import time

import numpy as np
import onnxruntime
from generator import Generator
from onnx import TensorProto, checker, helper, numpy_helper

QUICK = os.environ.get("BENCH_QUICK", "0") not in ("", "0")
CHUNK_NS = 2e5 if QUICK else 2e6
CHUNKS = 3 if QUICK else 200
GRID = [(1, 16), (1, 32), (8, 64), (32, 128), (64, 256), (128, 512)]
GATES = {"lstm": [0, 3, 1, 2], "gru": [1, 0, 2], "rnn": [0]}  # ONNX's order (i o f g; z r n), as places in PyTorch's


def tensor(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def make_layer(generator, cell, inputs, hidden, number, scale):
    """The initializers of a layer, drawn in the order of engine.h."""
    order = GATES[cell]
    count = len(order)

    def in_order(values):
        return values.reshape(count, hidden, -1)[order].reshape(1, count * hidden, -1)

    weights = in_order(generator.draw((count * hidden, inputs), scale))
    recurrent = in_order(generator.draw((count * hidden, hidden), scale))
    biases = [in_order(generator.draw((count * hidden,), scale))[:, :, 0] for _ in range(2)]
    named = {"W": weights, "R": recurrent, "B": np.concatenate(biases, axis=1)}
    return [numpy_helper.from_array(value, f"{name}{number}") for name, value in named.items()]


def make_session(cell, input_size, hidden, layers, length, batch, is_streaming):
    """Streaming: states come in as h0, c0, ... and go out as h0_next, ...; y is the head's output. Else: y is every hidden state."""
    generator, scale = Generator(1), 1 / np.sqrt(np.float32(hidden))
    nodes, initializers, states = [], [], []
    last = "x"
    for number in range(layers):
        initializers += make_layer(generator, cell, hidden if number else input_size, hidden, number, scale)
        own = [f"{kind}{number}" for kind in ("hc" if cell == "lstm" else "h")] if is_streaming else []
        states += own
        attributes = {"hidden_size": hidden, **({"linear_before_reset": 1} if cell == "gru" else {})}
        inputs = [last, f"W{number}", f"R{number}", f"B{number}", *([""] if own else []), *own]
        outputs = [f"Y{number}", *[name + "_next" for name in own]]
        nodes.append(helper.make_node(cell.upper(), inputs, outputs, **attributes))
        nodes.append(helper.make_node("Squeeze", [f"Y{number}", "direction"], [f"S{number}"]))
        last = f"S{number}"
    initializers.append(numpy_helper.from_array(np.array([1], np.int64), "direction"))
    graph_inputs = [tensor("x", [length, batch, input_size])] + [tensor(name, [1, batch, hidden]) for name in states]
    if is_streaming:
        initializers += [
            numpy_helper.from_array(generator.draw((hidden, 1), scale), "head"),
            numpy_helper.from_array(generator.draw((1,), scale), "head_bias"),
        ]
        nodes += [helper.make_node("MatMul", [last, "head"], ["product"]), helper.make_node("Add", ["product", "head_bias"], ["y"])]
        graph_outputs = [tensor("y", [1, batch, 1])] + [tensor(name + "_next", [1, batch, hidden]) for name in states]
    else:
        nodes.append(helper.make_node("Identity", [last], ["y"]))
        graph_outputs = [tensor("y", [length, batch, hidden])]
    graph = helper.make_graph(nodes, "network", graph_inputs, graph_outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9  # what older versions of the runtime can read
    checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]), states


class Stepper:
    """A streaming network; two bindings take turns, each reading the states that the other has written."""

    def __init__(self, cell, input_size, hidden, layers):
        self.session, states = make_session(cell, input_size, hidden, layers, 1, 1, True)
        self.input = np.zeros((1, 1, input_size), np.float32)
        self.output = np.zeros((1, 1, 1), np.float32)
        memory = [{name: np.zeros((1, 1, hidden), np.float32) for name in states} for _ in range(2)]
        self.bindings = [self.bind(memory[turn], memory[1 - turn]) for turn in range(2)]
        self.turn = 0

    def bind(self, before, after):
        binding = self.session.io_binding()
        arrays = {"x": self.input, **before}
        for name, array in arrays.items():
            binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        arrays_out = {"y": self.output, **{name + "_next": array for name, array in after.items()}}
        for name, array in arrays_out.items():
            binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        binding.kept = (before, after)  # the binding holds addresses only
        return binding

    def run(self, count):
        run, bindings = self.session.run_with_iobinding, self.bindings
        for _ in range(count):
            run(bindings[self.turn])
            self.turn = 1 - self.turn


def report(section, network, metric, value):
    print(f"{section},{network},onnxruntime,{metric},{value:.6g}", flush=True)


def measure(section, network, run):
    """Chunks of run(count), as the host does it."""
    count, elapsed = 1, 0
    while True:
        start = time.perf_counter_ns()
        run(count)
        elapsed = time.perf_counter_ns() - start
        if elapsed >= CHUNK_NS / 4:
            break
        count *= 2
    count = max(1, int(count * CHUNK_NS / elapsed))
    samples = []
    for _ in range(CHUNKS):
        start = time.perf_counter_ns()
        run(count)
        samples.append((time.perf_counter_ns() - start) / count)
    samples.sort()
    report(section, network, "median_ns", statistics.median(samples))
    report(section, network, "min_ns", samples[0])
    report(section, network, "p10_ns", samples[len(samples) // 10])
    report(section, network, "p90_ns", samples[min(len(samples) * 9 // 10, len(samples) - 1)])
    report(section, network, "chunks", len(samples))


def difference(folder, stepper, cell, input_size, hidden, layers):
    """The largest difference from the yardstick in 200 steps."""
    plain = ctypes.CDLL(os.path.join(folder, "plain-col.so"))
    plain.peer_new.restype = ctypes.c_void_p
    network = ctypes.c_void_p(plain.peer_new(cell.encode(), input_size, hidden, layers))
    generator, output, largest = Generator(2), ctypes.c_float(), 0.0
    for _ in range(200):
        stepper.input[...] = generator.draw((1, 1, input_size), 1)
        stepper.run(1)
        plain.peer_step(network, stepper.input.ctypes.data_as(ctypes.c_void_p), ctypes.byref(output))
        largest = max(largest, abs(float(stepper.output[0, 0, 0]) - output.value))
    plain.peer_free(network)
    return largest


def measure_steps(folder):
    networks = [(cell, inputs, hidden, 1) for cell in GATES for inputs, hidden in GRID] + [("lstm", 1, 40, 2)]
    for cell, inputs, hidden, layers in networks:
        name = f"{cell}-{inputs}x{hidden}" + (f"x{layers}" if layers > 1 else "")
        stepper = Stepper(cell, inputs, hidden, layers)
        largest = difference(folder, stepper, cell, inputs, hidden, layers)
        report("agreement", name, "max_difference", largest)
        if not largest <= 1e-5:
            sys.exit(f"bench: {name}: onnxruntime and plain-col differ by {largest}")
        measure("step", name, stepper.run)


def measure_sequences():
    for batch in (1, 32):
        session, _ = make_session("lstm", 64, 256, 1, 200, batch, False)
        inputs = Generator(4).draw((200, batch, 64), 1)
        outputs = np.zeros((200, batch, 256), np.float32)
        binding = session.io_binding()
        binding.bind_input("x", "cpu", 0, np.float32, inputs.shape, inputs.ctypes.data)
        binding.bind_output("y", "cpu", 0, np.float32, outputs.shape, outputs.ctypes.data)

        def run(count, session=session, binding=binding):
            for _ in range(count):
                session.run_with_iobinding(binding)

        measure("sequence", f"lstm-64x256 T=200 B={batch}", run)


def main():
    folder, sections = sys.argv[1], sys.argv[2:]
    print("bench: ONNX Runtime", onnxruntime.__version__, file=sys.stderr)
    if "step" in sections:
        measure_steps(folder)
    if "sequence" in sections:
        measure_sequences()


if __name__ == "__main__":
    main()

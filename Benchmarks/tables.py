"""Makes Markdown tables of results.

usage: tables.py [FILE...]      lines section,network,engine,metric,value; without a file from standard input

Lines that stand several times are repeated runs: their median counts. Standard library only.
"""

import fileinput
import math
import statistics


class Results:
    """The numbers of one section: of each network, of each engine, of each metric; networks and engines in order of appearance."""

    def __init__(self):
        self.values = {}
        self.networks, self.engines = [], []

    def add(self, network, engine, metric, value):
        self.values.setdefault((network, engine, metric), []).append(value)
        for names, name in ((self.networks, network), (self.engines, engine)):
            if name not in names:
                names.append(name)

    def get(self, network, engine, metric):
        values = self.values.get((network, engine, metric))
        return statistics.median(values) if values else None

    def has(self, engine, metric="median_ns"):
        return any(self.get(network, engine, metric) is not None for network in self.networks)


def read(lines):
    """All sections by name, and what is said of the machine."""
    sections, machine = {}, {}
    for line in lines:
        fields = line.rstrip("\n").split(",")
        if len(fields) != 5:
            continue
        section, network, engine, metric, value = fields
        if section == "machine":
            machine[metric] = value
        else:
            sections.setdefault(section, Results()).add(network, engine, metric, float(value))
    return sections, machine


# ----------------------------------------------------------------- formatting


def number(value, digits=3):
    """Some significant digits, without an exponent and with thousands apart."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def ratio(value):
    return "–" if value is None else f"{value:.2f}"


def spread(results, network, engine, scale=1.0):
    """The median, and between which values eight of ten chunks lie."""
    median, low, high = (results.get(network, engine, metric) for metric in ("median_ns", "p10_ns", "p90_ns"))
    if median is None:
        return "unsupported" if results.get(network, engine, "unsupported") else "–"
    return number(median / scale) if low is None else f"{number(median / scale)} ({number(low / scale)}–{number(high / scale)})"


def geometric_mean(values):
    values = [value for value in values if value]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def table(title, note, head, rows):
    print(f"\n## {title}\n\n{note}\n")
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


# --------------------------------------------------------------------- tables


def ratio_table(title, note, results, timed, divided, reference):
    """Nanoseconds of the engines in timed; time relative to reference of those in divided; the geometric mean in the last row."""
    divided = [engine for engine in divided if results.has(engine)]

    def relative(network, engine):
        own, base = results.get(network, engine, "median_ns"), results.get(network, reference, "median_ns")
        return own / base if own and base else None

    rows = [
        [network] + [spread(results, network, engine) for engine in timed] + [ratio(relative(network, engine)) for engine in divided]
        for network in results.networks
    ]
    means = [geometric_mean([relative(network, engine) for network in results.networks]) for engine in divided]
    rows.append(["geometric mean"] + [""] * len(timed) + [f"**{ratio(mean)}**" for mean in means])
    table(title, note, ["network"] + [f"{engine} ns" for engine in timed] + [f"{engine} / {reference}" for engine in divided], rows)


def step(results):
    known = ["rill", "plain-row", "onednn", "onnxruntime"]
    levels = ["plain-col", "plain-col-v3", "rill-v3", "rill-baseline"]
    extra = [engine for engine in results.engines if engine not in known + levels]
    note = "One step, batch 1. ONNX Runtime is timed in another process, and its steps include Python."
    ratio_table("Step", note, results, ["plain-col", "rill"], known[:1] + extra + known[1:], "plain-col")
    if results.has("rill-v3"):
        note = "The same with the instructions of x86-64-v3 (AVX2, FMA) only."
        ratio_table("Step with AVX2", note, results, ["plain-col-v3", "rill-v3"], ["rill-v3"], "plain-col-v3")
    if results.has("rill-baseline"):
        note = "Rill with the instructions that every x86-64 processor has (SSE2)."
        ratio_table("Step with SSE2", note, results, ["rill-baseline"], ["rill-baseline"], "plain-col")


def sizes(results):
    engines = [engine for engine in results.engines if engine != "plain-col"]
    ratio_table("Sizes off the grid", "Hidden sizes that vectors do not divide.", results, ["plain-col", "rill"], engines, "plain-col")


def tail(results):
    clock = results.get("clock", "host", "p50_ns")
    note = f"Steps timed one by one; {number(clock)} ns for reading the clock are taken off. Interrupts count."
    networks = [network for network in results.networks if network != "clock"]
    engines = [engine for engine in results.engines if engine != "host"]
    head = ["network"] + [f"{engine} {what}" for engine in engines for what in ("median ns", "p99.9 ns", "p99.9 / median")]
    rows = []
    for network in networks:
        row = [network]
        for engine in engines:
            row += [number(results.get(network, engine, metric)) for metric in ("p50_ns", "p999_ns")]
            row.append(ratio(results.get(network, engine, "tail_ratio")))
        rows.append(row)
    table("Slowest steps", note, head, rows)


def precision(results):
    lower = [engine for engine in results.engines if engine != "float32"]
    head = ["network", "float32 ns"]
    for engine in lower:
        head += [f"{engine} ns", f"{engine} / float32", "largest difference"]
    rows = []
    for network in results.networks:
        row = [network, spread(results, network, "float32")]
        for engine in lower:
            difference = results.get(network, engine, "max_difference")
            row += [spread(results, network, engine), ratio(results.get(network, engine, "ratio"))]
            row.append("–" if difference is None else f"{difference:.1e}")
        rows.append(row)
    table("Precision", "Rill's weights in fewer bits; the difference of outputs in 1000 steps.", head, rows)


def streams(results):
    rows = []
    for network in results.networks:
        for engine in results.engines:
            median, lanes = results.get(network, engine, "median_ns"), int(engine.removeprefix("B="))
            cells = [number(median / lanes if median else None), ratio(results.get(network, engine, "ratio"))]
            rows.append([f"{network} {engine}", spread(results, network, engine), *cells])
    head = ["stream", "step ns", "ns per sequence", "step / step of B=1"]
    table("Many sequences in one stream", "One step of a stream with B sequences.", head, rows)


def blocks(results):
    rows = []
    for network in results.networks:
        times = [spread(results, network, engine) for engine in ("64 steps", "one run")]
        rows.append([network, *times, ratio(results.get(network, "one run", "ratio"))])
    note = "Nanoseconds per time step, batch 1: 64 calls of rill_stream_step, and one of rill_stream_run."
    table("Blocks", note, ["network", "64 steps ns", "one run ns", "run / steps"], rows)


def silence(results):
    def both(network, engine):
        return f"{number(results.get(network, engine, 'median_ns'))} ({ratio(results.get(network, engine, 'ratio'))})"

    late = results.engines[1:]
    rows = [[n, number(results.get(n, "loud", "median_ns"))] + [both(n, engine) for engine in late] for n in results.networks]
    note = "Rill's time per step while the state dies away, and relative to loud input; without biases."
    table("Silence", note, ["network", "loud ns"] + [f"{engine} ns" for engine in late], rows)


def sequence(results):
    engines = sorted((engine for engine in results.engines if engine != "host"), key=lambda engine: engine != "rill")
    rows = []
    for network in results.networks:
        flops = results.get(network, "host", "flops")
        for engine in engines:
            median = results.get(network, engine, "median_ns")
            rows.append([network, engine, spread(results, network, engine, 1000), number(flops / median if flops and median else None)])
    note = "Whole sequences in one call, from a state of zeros, without a head. ONNX Runtime is timed in another process."
    table("Sequences", note, ["network", "engine", "µs", "GFLOP/s"], rows)


def limits(results):
    buffers = [network for network in results.networks if results.get(network, "machine", "gb_per_s")]
    gflops = results.get("multiply-adds", "machine", "gflops")
    rows = [[f"loads from {buffer}", f"{number(results.get(buffer, 'machine', 'gb_per_s'))} GB/s"] for buffer in buffers]
    table("One core's limits", "The best of some chunks.", ["limit", "rate"], rows + [["multiply-adds", f"{number(gflops)} GFLOP/s"]])
    metrics = ["multiply_adds", "weight_bytes", "load_bound_ns", "compute_bound_ns"]
    rows = []
    for network in results.networks:
        bound, median = results.get(network, "machine", "bound_ns"), results.get(network, "rill", "median_ns")
        if bound and median:
            values = [number(results.get(network, "machine", metric)) for metric in metrics]
            rows.append([network, *values, spread(results, network, "rill"), ratio(median / bound)])
    note = "A step must load its weights once (at the rate of a buffer of that size) and compute its products."
    head = ["network", "multiply-adds", "weight bytes", "to load ns", "to compute ns", "rill ns", "rill / the larger"]
    table("Distance from the limits", note, head, rows)


def load(results):
    parts = ["open_us", "parse_us", "first_step_us", "total_us"]
    networks = [network for network in results.networks if not results.get(network, "rill", "bytes")]
    rows = [[network] + [number(results.get(network, "rill", part)) for part in parts] for network in networks]
    note = "Each in a fresh process, with the files in the cache. decimal.json and base64.json: a million parameters, library open."
    table("Load", note, ["model", "open the library µs", "parse µs", "stream and first step µs", "total µs"], rows)
    for network in results.networks:
        size = results.get(network, "rill", "bytes")
        if size:
            print(f"\n{network}: {size:,.0f} bytes.")


PEERS = ["onednn", "pytorch", "jax"]  # further engines may be other versions of Rill


def training(results):
    engines = [engine for engine in results.engines if engine != "host"]
    rows = []
    for network in results.networks:
        for engine in engines:
            median, peak = results.get(network, engine, "median_ns"), results.get(network, engine, "peak_kib")
            if median:
                losses = [number(results.get(network, engine, metric)) for metric in ("loss_first", "loss_last")]
                speed = number(results.get(network, "host", "time_steps") / median * 1e9)
                memory = number(peak / 1024 if peak else None)
                rows.append([network, engine, spread(results, network, engine, 1e6), speed, memory, " → ".join(losses)])
    note = "An update: forward, backward, clipping of the gradient's norm, Adam. Every engine in a process of its own, in turn."
    table("Training", note, ["task", "engine", "ms per update", "time steps per second", "peak MiB", "loss"], rows)
    training_ratios(results)
    training_parts(results, engines)


def training_ratios(results):
    rows = []
    for network in results.networks:
        own, own_peak, torch_peak = (
            results.get(network, engine, metric)
            for engine, metric in (("rill", "median_ns"), ("rill", "peak_kib"), ("pytorch", "peak_kib"))
        )
        times = {engine: results.get(network, engine, "median_ns") for engine in PEERS}
        times = {engine: time for engine, time in times.items() if time}
        best = min(times, key=times.get, default=None)
        alone = results.get(network.rpartition(" ")[0] + " threads=1", "rill", "median_ns")
        is_alone = network.endswith(" threads=1")
        rows.append([
            network,
            best or "–",
            ratio(own / times[best] if own and best else None),
            "" if is_alone else ratio(own / alone if own and alone else None),
            ratio(own_peak / torch_peak if own_peak and torch_peak else None),
        ])  # fmt: skip
    note = "Rill's time and peak memory relative to others, of the same run."
    head = ["task", "fastest peer", "rill / fastest peer", "rill / rill in one thread", "peak memory, rill / pytorch"]
    table("Training, relative", note, head, rows)


def training_parts(results, engines):
    parts = ["forward_ns", "backward_ns", "optimizer_ns"]
    rows = []
    for network in results.networks:
        flops, limit = (results.get(network, "host", metric) for metric in ("flops", "limit_gflops"))
        for engine in engines:
            median = results.get(network, engine, "median_ns")
            if median:
                times = [results.get(network, engine, part) for part in parts]
                cells = [number(time / 1e6 if time else None) for time in times]
                rows.append([network, engine, *cells, number(flops / median), ratio(flops / median / limit)])
    note = "Milliseconds of the parts, where an engine can tell them apart; its useful arithmetic against what the cores could multiply and add."
    head = ["task", "engine", "forward and loss", "backward", "clipping and Adam", "GFLOP/s", "of the limit"]
    table("Parts of an update, and the limit", note, head, rows)


def agreement(results):
    engines = [engine for engine in results.engines if results.has(engine, "max_difference")]
    rows = []
    for engine in engines:
        values = [results.get(network, engine, "max_difference") for network in results.networks]
        rows.append([engine, f"{max(value for value in values if value is not None):.1e}"])
    note = "The largest difference from plain-col, with the same weights and inputs. Engines from outside may have other weights."
    table("Agreement", note, ["engine", "difference"], rows)


TABLES = [step, sizes, tail, precision, streams, blocks, silence, sequence, limits, load, training, agreement]


def main():
    sections, machine = read(fileinput.input(encoding="utf-8"))
    print("# Benchmarks of Rill\n")
    print("; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in machine.items()) + ".")
    print("\nTimes are medians of short chunks, in brackets the 10th and 90th percentile. Ratios are ratios of times: below 1 is faster.")
    for make in TABLES:
        if make.__name__ in sections:
            make(sections[make.__name__])


if __name__ == "__main__":
    main()

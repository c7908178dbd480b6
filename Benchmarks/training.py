"""Trains with all engines in turn, each in a process of its own, and prints lines of results as the host does.

usage: training.py FOLDER [pytorch=PYTHON] [jax=PYTHON]
FOLDER holds `train`, rill.so and perhaps onednn.so; PYTHON is an interpreter that has the engine. BENCH_QUICK, BENCH_CORE and ENGINES:
see scripts/bench.sh. Standard library only.
"""

import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
QUICK = os.environ.get("BENCH_QUICK", "0") not in ("", "0")
ROUNDS = 2 if QUICK else 20
CHUNK_NS, WARM_NS = (2e6, 1) if QUICK else (50e6, 10e6)
REST = 0 if QUICK else 0.02  # seconds after a turn, until threads that wait actively have fallen asleep
PARTS = 3 if QUICK else 20
# kind, cell, inputs, hidden, layers, outputs, time steps, batch
TASKS = {
    "a: characters lstm 65-128 T=50 B=50": ("charlm", "lstm", 65, 128, 1, 65, 50, 50),
    "b: characters lstm 65-256-256 T=64 B=32": ("charlm", "lstm", 65, 256, 2, 65, 64, 32),
    "c: regression gru 8-64 T=100 B=32": ("reg", "gru", 8, 64, 1, 1, 100, 32),
}
# How far losses may lie from Rill's, relatively: the first differs by rounding alone; then Adam makes steps of full size out of gradients
# that are nearly zero, whose signs are rounding too.
FIRST_TOLERANCE, LATER_TOLERANCE = 1e-5, 1e-4


def note(text):
    print("bench:", text, file=sys.stderr, flush=True)


def choose_cores():
    """One, then a second that is no sibling of it; fewer if there are no more."""
    allowed = sorted(os.sched_getaffinity(0))
    wanted = os.environ.get("BENCH_CORE", "")
    core = int(wanted) if wanted else allowed[-1]
    siblings = set()
    try:
        text = pathlib.Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text(encoding="ascii")
        for part in text.strip().split(","):
            first, _, last = part.partition("-")
            siblings.update(range(int(first), int(last or first) + 1))
    except (OSError, ValueError):
        pass
    return [core] + [other for other in reversed(allowed) if other != core and other not in siblings][:1]


def multiply_adds(task):
    """Useful ones of an update: forward each product once; backward twice, for its weights and for what it multiplies. A one-hot input is a
    row of weights and no product; the gradient of the first layer's inputs is not needed."""
    kind, cell, inputs, hidden, layers, outputs, length, batch = task
    gates = 4 if cell == "lstm" else 3
    products = 3 * (layers * gates * hidden * hidden + (layers - 1) * gates * hidden * hidden + hidden * outputs)
    products += 2 * gates * hidden * inputs if kind == "reg" else 0
    return products * length * batch


class Engine:
    """A process that trains, and its times."""

    def __init__(self, name, command, task, threads, cores):
        self.name, self.threads, self.times, self.parts = name, threads, [], []
        self.process = subprocess.Popen(
            [*command, *map(str, task), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONDONTWRITEBYTECODE": "1"},
            preexec_fn=lambda: os.sched_setaffinity(0, cores[:threads]),
        )

    def start(self):
        """The losses of the first updates; None if it cannot do the task."""
        word, *losses = self.process.stdout.readline().split() or ["nothing"]
        if word == "ready":
            return [float(loss) for loss in losses]
        if word != "unsupported":
            note(f"{self.name}: ended")
        self.stop()
        return None

    def ask(self, *request):
        self.process.stdin.write(" ".join(map(str, request)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit(f"bench: {self.name}: ended while it was measured")
        time.sleep(REST)
        return [float(value) for value in answer]

    def take_turn(self):
        expected = statistics.median(self.times) if self.times else self.ask("run", 0, 2)[0]
        self.times += self.ask("run", math.ceil(WARM_NS / expected), max(1, round(CHUNK_NS / expected)))

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def check(engine, losses, reference, is_own):
    """Whether an engine computes what Rill does."""
    differences = [abs(loss / other - 1) for loss, other in zip(losses, reference)]
    if is_own and not (differences[0] <= FIRST_TOLERANCE and max(differences) <= LATER_TOLERANCE):
        sys.exit(f"bench: training: {engine.name} and rill differ: losses {losses} and {reference}")
    return max(differences)


def measure(name, task, engines, own, report):
    """engines: ready ones, with the losses of their first updates; Rill is the first."""
    reference = engines[0][1]
    for engine, losses in engines:
        report(name, engine, "loss_difference", check(engine, losses, reference, engine.name in own))
        report(name, engine, "loss_first", losses[0])
    ready = [engine for engine, _ in engines]
    for turn in range(ROUNDS):
        for place in range(len(ready)):
            ready[(place + turn) % len(ready)].take_turn()
    for engine in ready:
        parts = engine.ask("parts", PARTS)
        peak, loss = engine.ask("end")
        engine.stop()
        times = sorted(engine.times)
        report(name, engine, "median_ns", statistics.median(times))
        report(name, engine, "min_ns", times[0])
        report(name, engine, "p10_ns", times[len(times) // 10])
        report(name, engine, "p90_ns", times[min(len(times) * 9 // 10, len(times) - 1)])
        report(name, engine, "chunks", len(times))
        report(name, engine, "peak_kib", peak)
        report(name, engine, "loss_last", loss)
        for part, value in zip(("forward_ns", "backward_ns", "optimizer_ns"), parts):
            if not math.isnan(value):
                report(name, engine, part, value)


def main():
    folder = pathlib.Path(sys.argv[1])
    commands = {"rill": [folder / "train", folder / "rill.so"]}
    if (folder / "onednn.so").exists():
        commands["onednn"] = [folder / "train", folder / "onednn.so"]
    scripts = {"pytorch": "torch_bench.py", "jax": "jax_bench.py"}
    for argument in sys.argv[2:]:
        name, _, python = argument.partition("=")
        commands[name] = [python, HERE / scripts[name]]
    own = list(commands)
    for path in os.environ.get("ENGINES", "").split():
        commands[pathlib.Path(path).name.partition(".")[0]] = [folder / "train", pathlib.Path(path).resolve()]
    cores = choose_cores()
    if len(cores) < 2:
        note("training: one core only, so nothing with two threads")

    def report(name, engine, metric, value):
        print(f"training,{name} threads={engine.threads},{engine.name},{metric},{value:.9g}", flush=True)

    for name, task in TASKS.items():
        note(f"training: {name}")
        limit = subprocess.run(
            [folder / "train", "limit"], capture_output=True, check=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores[:1])
        ).stdout
        started = [
            Engine(engine, command, task, threads, cores) for threads in range(1, len(cores) + 1) for engine, command in commands.items()
        ]
        ready = [(engine, losses) for engine in started if (losses := engine.start())]
        if not ready or ready[0][0].name != "rill":
            sys.exit("bench: training: rill does not train")
        for threads in range(1, len(cores) + 1):
            network = f"{name} threads={threads}"
            print(f"training,{network},host,time_steps,{task[6] * task[7]}")
            print(f"training,{network},host,flops,{2 * multiply_adds(task)}")
            print(f"training,{network},host,limit_gflops,{float(limit) * threads:.6g}", flush=True)
        measure(name, task, ready, own, report)


if __name__ == "__main__":
    main()

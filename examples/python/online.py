"""Learning on the device: a sensor drifts, and the model that runs beside it goes on learning.

    python online.py --plot online.png

A cheap sensor follows a temperature late, bent and with noise, and a network reads it and says the true temperature. Both are simulated.
The network is trained on a recording once, as in a factory. Then it runs as a live stream, one reading after the other, while the sensor
drifts: its gain and offset change slowly at first, and later at once. Every 5th step a reference thermometer says the truth.

Two copies of the network run side by side. One is frozen. The other is a rill.OnlineLearner: every 20 steps it makes one update from the
last 200, beginning in the state that the stream really had there, so that the work of an update is the same however long the stream runs.

Error: root mean square of estimate less true temperature, over all steps, also those of which the network was never told the truth.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import rill

STEPS = 6000  # of the live stream
SLOW_BEGIN, SLOW_END, JUMP = 1500, 3000, 4500  # steps: when the slow drift begins and ends, when the sensor changes at once
REFERENCE_EVERY = 5  # steps: how often the truth is known
UPDATE_EVERY, WINDOW = 20, 200
LEARNING_RATE = 0.002  # of the updates on the device
JUDGED = 500  # steps over which an error is taken


def simulate_temperature(count, random):
    """A day of 200 steps, a slower wave, and weather: [count], in degrees Celsius."""
    t = np.arange(count)
    weather = np.zeros(count)
    for step in range(1, count):
        weather[step] = 0.98 * weather[step - 1] + 0.2 * random.standard_normal()
    return 20 + 3 * np.sin(2 * np.pi * t / 200) + 1.5 * np.sin(2 * np.pi * t / 730) + weather


def read_sensor(temperature, gain, offset, random):
    """What the sensor says: [count], in its own unit. gain, offset: [count] or numbers; 1 and 0 when it leaves the factory."""
    late = np.empty(len(temperature))
    value = temperature[0]
    for step, target in enumerate(temperature):
        value += 0.3 * (target - value)  # its body warms slowly
        late[step] = value
    relative = (late - 20) / 5
    return gain * (relative + 0.15 * relative**2) + offset + 0.01 * random.standard_normal(len(temperature))


def drift(count):
    """Gain and offset of the live sensor: [count] each."""
    t = np.arange(count)
    slow = np.clip((t - SLOW_BEGIN) / (SLOW_END - SLOW_BEGIN), 0, 1)
    gain, offset = 1 - 0.25 * slow, 0.3 * slow
    gain[JUMP:], offset[JUMP:] = 1.2, -0.2
    return gain, offset


def train(updates, seed):
    """The network as it leaves the factory, trained on a recording of a sensor that does not drift."""
    random = np.random.default_rng(seed)
    temperature = simulate_temperature(20_000, random)
    readings = read_sensor(temperature, 1, 0, random)
    model = rill.Model(
        {
            "input": {"kind": "vector", "size": 1, "shift": float(readings.mean()), "scale": float(readings.std())},
            "layers": [{"type": "lstm", "hidden_size": 16}, {"type": "dense", "output_size": 1}],
            "output": {"shift": [float(temperature.mean())], "scale": [float(temperature.std())]},
        },
        seed=seed,
    )
    schedule = {"type": "cosine", "t_max": updates}
    trainer = rill.Trainer(model, loss="mse", seed=seed, learning_rate=0.01, clip_norm=1, schedule=schedule, burn_in=20)
    for _ in range(updates):
        rows = random.integers(0, len(readings) - 100, 32)[:, None] + np.arange(100)  # 32 windows of 100 steps
        trainer.update(rill.Batch(model, readings[rows], targets=temperature[rows]))
    model.publish()
    return model


@dataclass
class Run:
    """What happened in the live stream, step by step."""

    temperature: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    frozen: np.ndarray  # estimates
    learning: np.ndarray
    seconds: np.ndarray  # that the learner's step took, by the clock
    work: np.ndarray  # seconds of this that the processor worked for it


def stream(model, seed):
    """Runs both copies over the same readings, one step at a time."""
    random = np.random.default_rng([seed, 1])
    temperature = simulate_temperature(STEPS, random)
    gain, offset = drift(STEPS)
    readings = read_sensor(temperature, gain, offset, random)

    # A stream computes with the parameters that were published when it was made, until its refresh(). So this one stays as it is.
    frozen_stream = model.stream()
    learner = rill.OnlineLearner(
        model, loss="mse", window=WINDOW, update_every=UPDATE_EVERY, learning_rate=LEARNING_RATE, clip_norm=1, seed=seed
    )
    frozen, learning, seconds, work = np.empty((4, STEPS))
    for step, reading in enumerate(readings):
        frozen[step] = frozen_stream.step(reading)[0]
        # None: nobody knows the truth of this step. It moves the state and counts in no loss.
        truth = temperature[step] if step % REFERENCE_EVERY == 0 else None
        begun = time.perf_counter(), time.thread_time()
        learning[step] = learner.step(reading, truth)[0]
        seconds[step], work[step] = time.perf_counter() - begun[0], time.thread_time() - begun[1]
    return Run(temperature, gain, offset, frozen, learning, seconds, work)


def error(estimates, temperature, end):
    """Root mean square error over the steps before end."""
    judged = slice(end - JUDGED, end)
    return float(np.sqrt(np.mean((estimates[judged] - temperature[judged]) ** 2)))


def report(run):
    places = {"before the drift": SLOW_BEGIN, "after the slow drift": JUMP, "after the jump": STEPS}
    print(f"{'error, degrees':22} {'frozen':>8} {'learning':>9}")
    for name, end in places.items():
        print(f"{name:22} {error(run.frozen, run.temperature, end):8.3f} {error(run.learning, run.temperature, end):9.3f}")
    # Without the first update, which also makes room to work in. The clock goes on while other programs have the processor.
    by_clock, by_work = (1e6 * seconds[UPDATE_EVERY - 1 :: UPDATE_EVERY][1:] for seconds in (run.seconds, run.work))
    print(f"{len(by_clock)} steps with an update, microseconds: median {np.median(by_clock):.0f}, largest {by_clock.max():.0f}")
    print(f"  of them the processor's work: median {np.median(by_work):.0f}, largest {by_work.max():.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=600, help="of the training in the factory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", help="picture to write; needs matplotlib")
    arguments = parser.parse_args()

    run = stream(train(arguments.updates, arguments.seed), arguments.seed)
    report(run)
    if arguments.plot:
        import online_plot

        online_plot.draw(arguments.plot, run)


if __name__ == "__main__":
    main()

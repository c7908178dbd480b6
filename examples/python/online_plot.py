"""The picture of online.py."""

import matplotlib

matplotlib.use("Agg")  # draws into files, without a screen

import matplotlib.pyplot as plt
import numpy as np
import online

# Colors that color-blind readers tell apart (Okabe and Ito).
FROZEN, LEARNING, DRIFT = "#E69F00", "#0072B2", "#999999"
SMOOTH = 100  # steps under a running error
BEFORE, AFTER = 150, 450  # steps around the jump that are shown


def draw(path, run):
    """Writes the picture: both errors over time, what the sensor did, the moment of the jump, and the time of every update."""
    figure = plt.figure(figsize=(12, 8.5), layout="constrained")
    axes = figure.subplot_mosaic([["error", "error"], ["drift", "drift"], ["jump", "time"]], height_ratios=[4, 1.6, 4])
    figure.suptitle("A sensor drifts: a frozen network beside one that learns in the live stream")
    draw_error(axes["error"], run)
    draw_drift(axes["drift"], run)
    axes["drift"].sharex(axes["error"])
    draw_jump(axes["jump"], run)
    draw_time(axes["time"], run)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def mark_drift(axes):
    axes.axvspan(online.SLOW_BEGIN, online.SLOW_END, color=DRIFT, alpha=0.2, linewidth=0)
    axes.axvline(online.JUMP, color="black", linewidth=1, linestyle="--")


def draw_error(axes, run):
    for estimates, color, label in ((run.frozen, FROZEN, "frozen"), (run.learning, LEARNING, "learning")):
        squares = np.convolve((estimates - run.temperature) ** 2, np.ones(SMOOTH) / SMOOTH, "valid")
        axes.plot(np.arange(SMOOTH - 1, len(estimates)), np.sqrt(squares), color=color, label=label)
    mark_drift(axes)
    top = axes.get_ylim()[1]
    axes.text((online.SLOW_BEGIN + online.SLOW_END) / 2, 0.97 * top, "slow drift", ha="center", va="top", fontsize=9)
    axes.text(online.JUMP, 0.97 * top, "jump ", ha="right", va="top", fontsize=9)
    axes.set_ylim(0, top)
    axes.set_xlim(0, len(run.temperature))
    axes.set_title(f"Error of the estimated temperature: root mean square over the last {SMOOTH} steps", fontsize=11)
    axes.set_ylabel("degrees Celsius")
    axes.legend(frameon=False, loc="upper left")
    axes.grid(alpha=0.25)


def draw_drift(axes, run):
    axes.plot(run.gain, color="black", label="gain")
    axes.plot(run.offset, color="black", linestyle=":", label="offset")
    mark_drift(axes)
    axes.set_title("What the sensor does", fontsize=11)
    axes.set_xlabel("step")
    axes.legend(frameon=False, loc="center left", fontsize=9)
    axes.grid(alpha=0.25)


def draw_jump(axes, run):
    steps = np.arange(online.JUMP - BEFORE, online.JUMP + AFTER)
    axes.plot(steps, run.temperature[steps], color="black", linewidth=2.5, alpha=0.35, label="true")
    axes.plot(steps, run.frozen[steps], color=FROZEN, linewidth=1.2, label="frozen")
    axes.plot(steps, run.learning[steps], color=LEARNING, linewidth=1.2, label="learning")
    axes.axvline(online.JUMP, color="black", linewidth=1, linestyle="--")
    axes.margins(x=0)
    axes.set_title("Around the jump", fontsize=11)
    axes.set_xlabel("step")
    axes.set_ylabel("temperature (degrees Celsius)")
    axes.legend(frameon=False, fontsize=9)
    axes.grid(alpha=0.25)


def draw_time(axes, run):
    microseconds = 1e6 * run.work
    is_update = (np.arange(len(microseconds)) + 1) % online.UPDATE_EVERY == 0
    is_update[: online.UPDATE_EVERY] = False  # the first one also makes room to work in
    for chosen, color, label in ((is_update, LEARNING, "with an update"), (~is_update, DRIFT, "without")):
        axes.plot(np.flatnonzero(chosen), microseconds[chosen], ".", color=color, markersize=3, label=label)
    axes.set_yscale("log")
    axes.set_ylim(top=4 * microseconds[is_update].max())  # room for the legend
    axes.set_xlim(0, len(microseconds))
    axes.set_title("Processor time of every step of the learner: it does not grow", fontsize=11)
    axes.set_xlabel("step")
    axes.set_ylabel("microseconds")
    axes.legend(frameon=False, markerscale=3, fontsize=9)
    axes.grid(alpha=0.25)

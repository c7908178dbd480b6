"""The picture of the demonstration."""

import matplotlib

matplotlib.use("Agg")  # draws into files, without a screen

import matplotlib.pyplot as plt
import numpy as np

# Colors that color-blind readers tell apart (Okabe and Ito).
COLORS = {"network": "#0072B2", "last value": "#E69F00", "same week last year": "#009E73"}
WEEKS_SHOWN = 156


def draw(path, data, first, losses, forecasts, errors):
    """Writes the picture: forecasts on held-out weeks, loss of training, errors beside those of simple forecasts.

    forecasts: name -> [n, H]. errors: name -> root mean square errors for 1 ... H weeks ahead.
    """
    figure = plt.figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplot_mosaic([["series", "series"], ["loss", "errors"]])
    figure.suptitle("Rill: carbon dioxide at Mauna Loa, forecast by an LSTM of 32 units")
    draw_series(axes["series"], data, forecasts)
    draw_loss(axes["loss"], losses)
    draw_errors(axes["errors"], errors, len(data.values) - first)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_series(axes, data, forecasts):
    n, horizon = forecasts["network"].shape
    weeks = np.arange(n - WEEKS_SHOWN, n)
    dates = np.array(data.dates, dtype="datetime64[D]")[weeks]
    axes.plot(dates, data.values[weeks], "o", color="black", markersize=3, label="measured")
    for name in ("last value", "network"):
        said = forecasts[name][weeks - horizon, horizon - 1]
        axes.plot(dates, said, color=COLORS[name], linewidth=2 if name == "network" else 1, label=f"{name}, {horizon} weeks before")
    axes.set_title(f"The last {WEEKS_SHOWN // 52} of the held-out years", fontsize=11)
    axes.set_ylabel("CO2 (ppm)")
    axes.legend(frameon=False)
    axes.grid(alpha=0.25)


def draw_loss(axes, losses):
    width = 20
    axes.plot(losses, color=COLORS["network"], alpha=0.25, label="update")
    smooth = np.convolve(losses, np.ones(width) / width, "valid")
    axes.plot(np.arange(width - 1, len(losses)), smooth, color=COLORS["network"], label=f"mean of {width}")
    axes.set_ylim(bottom=0)
    axes.set_title("Training", fontsize=11)
    axes.set_xlabel("update")
    axes.set_ylabel("mean squared error (normalized)")
    axes.legend(frameon=False)
    axes.grid(alpha=0.25)


def draw_errors(axes, errors, count):
    width = 0.27
    for place, (name, values) in enumerate(errors.items()):
        positions = np.arange(len(values)) + (place - 1) * width
        bars = axes.bar(positions, values, width * 0.94, color=COLORS[name], label=name)
        axes.bar_label(bars, fmt="%.2f", fontsize=8, padding=1)
    axes.margins(y=0.1)
    axes.set_xticks(range(len(values)), [str(h + 1) for h in range(len(values))])
    axes.set_title(f"Error on the held-out {count} weeks", fontsize=11)
    axes.set_xlabel("weeks ahead")
    axes.set_ylabel("root mean square error (ppm)")
    axes.legend(frameon=False)

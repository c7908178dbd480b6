"""Pictures of a fit and of weights. The only module that needs matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure  # by itself it needs no screen
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .history import Columns, History

# Colors that color-blind readers tell apart (Okabe and Ito).
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
FEW = 30  # points that are marked one by one


def draw_history(history: History) -> Figure:
    """Loss on the left; learning rate and gradient norm on the right, if there are updates in the history."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    if not history.updates.get("loss"):
        _draw_loss(figure.subplots(), history)
        return figure
    axes = figure.subplot_mosaic([["loss", "rate"], ["loss", "norm"]], width_ratios=[3, 2])
    _draw_loss(axes["loss"], history)
    _draw_column(axes["rate"], history.updates, "learning_rate", "learning rate")
    _draw_column(axes["norm"], history.updates, "gradient_norm", "gradient norm")
    axes["norm"].set_xlabel("update")
    return figure


def _draw_loss(axes: Any, history: History) -> None:
    updates, epochs = history.updates.get("loss", []), history.epochs
    shown = [*updates, *history.loss, *history.validation_loss]
    if updates:
        # An update is shown at the count that it makes, so that the first stands at 1, and epochs at their last update.
        x = np.asarray(history.updates["update"]) + 1
        axes.plot(x, updates, color=BLUE, alpha=0.3, linewidth=0.8, label="update")
    places = epochs.get("updates", range(1, len(history.loss) + 1))
    marker = "." if len(history.loss) <= FEW else None
    for values, label, color in ((history.loss, "epoch, mean", BLUE), (history.validation_loss, "validation", ORANGE)):
        if values:
            axes.plot(places, values, color=color, label=label, marker=marker)
    _scale(axes, shown)
    axes.set_xlabel("update" if "updates" in epochs or updates else "epoch")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.25)
    if shown:
        axes.legend(frameon=False)


def _draw_column(axes: Any, columns: Columns, name: str, label: str) -> None:
    values = columns.get(name, [])
    axes.plot(
        np.arange(1, len(values) + 1) if "update" not in columns else np.asarray(columns["update"]) + 1, values, color=GREY, linewidth=1
    )
    if not _scale(axes, values) and values and min(values) >= 0:
        axes.set_ylim(bottom=0)
    axes.set_ylabel(label)
    axes.grid(alpha=0.25)


def _scale(axes: Any, values: list[float]) -> bool:
    """A logarithmic axis where all is positive and spans more than a factor of 5; on a smaller span it would have no labels to read.
    Returns whether it is."""
    finite = [value for value in values if math.isfinite(value)]
    is_wide = bool(finite) and min(finite) > 0 and max(finite) > 5 * min(finite)
    if is_wide:
        axes.set_yscale("log")
    return is_wide


def draw_weights(parameters: Mapping[str, NDArray[np.float32]], title: str) -> Figure:
    """A histogram of every parameter tensor, with its mean and standard deviation."""
    columns = min(4, max(1, len(parameters)))
    rows = -(-len(parameters) // columns)
    figure = Figure(figsize=(3.2 * columns, 2.3 * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, values) in zip(grid, parameters.items()):
        flat = values.ravel()
        axes.hist(flat, bins=int(min(60, max(10, math.sqrt(flat.size)))), color=BLUE)
        axes.set_title(f"{name} {'×'.join(map(str, values.shape))}", fontsize=9)
        axes.text(0.98, 0.95, f"mean {flat.mean():.2g}\nstd {flat.std():.2g}", transform=axes.transAxes, ha="right", va="top", fontsize=7)
        axes.margins(y=0.25)  # room for that text
        axes.tick_params(labelsize=7)
    for axes in grid[len(parameters) :]:
        axes.set_visible(False)
    figure.suptitle(title, fontsize=11)
    return figure

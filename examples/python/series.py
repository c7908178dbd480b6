"""A measurement series: reading it, what a network sees and answers, and the simple forecasts that it has to beat.

Shapes: n values; H steps ahead. Row t of an array belongs to step t of the series, the moment when a forecast is made.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent.parent / "data"


@dataclass
class Series:
    dates: list[str]
    values: np.ndarray  # [n], in the unit of the file
    interpolated: np.ndarray  # [n] bool: the value was missing and has been filled in


def read(path):
    """Reads a file of examples/data: a header, then date, value, and whether the value was interpolated."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))[1:]
    return Series(
        dates=[row[0] for row in rows],
        values=np.array([float(row[1]) for row in rows]),
        interpolated=np.array([row[2] == "1" for row in rows]),
    )


def changes(values):
    """What the network sees at step t: the change since step t - 1. [n, 1] float32; the first is 0."""
    return np.diff(values, prepend=values[0]).astype(np.float32)[:, None]


def future_changes(values, horizon):
    """What it should answer at step t: the changes from t to t + 1 ... t + horizon. [n - horizon, H] float32."""
    count = len(values) - horizon
    return np.stack([values[h : h + count] - values[:count] for h in range(1, horizon + 1)], axis=1).astype(np.float32)


def forecasts_of(values, predicted_changes):
    """The values that the answers of a network mean: [n, H], row t said at step t."""
    return values[:, None] + predicted_changes


def last_value(values, horizon):
    """The forecast that nothing changes."""
    return np.repeat(values[:, None], horizon, axis=1)


def seasonal(values, horizon, period):
    """The forecast that the next steps bring what they brought one period before: x[t - period + h] + (x[t] - x[t - period]).

    The drift of the last period is in it, without which it would have no chance on a series that grows. Rows before
    the first whole period are NaN.
    """
    result = np.full((len(values), horizon), np.nan)
    for h in range(1, horizon + 1):
        t = np.arange(period, len(values))
        result[t, h - 1] = values[t - period + h] + values[t] - values[t - period]
    return result


def errors(values, forecasts, first, h):
    """Errors of the forecasts h steps ahead for the values from number `first` to the last: [n - first]."""
    t = np.arange(first, len(values))
    return forecasts[t - h, h - 1] - values[t]


def rmse(error):
    """Root mean square error, in the unit of the series."""
    return float(np.sqrt(np.mean(error**2)))


def mae(error):
    """Mean absolute error, in the unit of the series."""
    return float(np.mean(np.abs(error)))

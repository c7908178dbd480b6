"""Lanes, windows, and the part that is held out."""

import numpy as np
import pytest
from helpers import noise

import rill


def test_lanes_go_on_where_the_lane_before_ends():
    x = np.arange(11)
    assert rill.lanes(x, 3).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    features = noise(11, 2)
    cut = rill.lanes(features, 3)
    assert cut.shape == (3, 3, 2)
    assert (cut[1, 0] == features[3]).all()
    assert np.shares_memory(cut, features)
    assert rill.lanes(list(range(4)), 4).tolist() == [[0], [1], [2], [3]]


def test_windows():
    x = np.arange(7)
    assert rill.windows(x, 3).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert rill.windows(x, 3, stride=2).tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert len(rill.windows(x, 3, 1)) == 5
    features = noise(7, 2)
    assert rill.windows(features, 3).shape == (2, 3, 2)
    assert (rill.windows(features, 3)[1] == features[3:6]).all()
    assert rill.windows(x, 7).tolist() == [x.tolist()]


def test_split_by_time_holds_out_the_last_part():
    x, y = np.arange(10), np.arange(10) * 2
    (a, b), (c, d) = rill.split_by_time(x, y, 0.3)
    assert (a.tolist(), c.tolist()) == ([0, 1, 2, 3, 4, 5, 6], [7, 8, 9])
    assert (b == 2 * a).all() and (d == 2 * c).all()
    assert np.shares_memory(a, x)
    assert [len(part[0]) for part in rill.split_by_time(x, validation=1)] == [9, 1]
    (early, none), (late, _) = rill.split_by_time([[1], [2, 3], [4]], validation=1)
    assert (early, none, late) == ([[1], [2, 3]], None, [[4]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rill.lanes(np.arange(3), 4), r"at least 4 time steps for 4 lanes, got \[3\]"),
        (lambda: rill.lanes(np.arange(3), 0), "batch_size: expected at least 1"),
        (lambda: rill.lanes(5, 1), "sequence"),
        (lambda: rill.windows(np.arange(3), 4), "at least 4 time steps"),
        (lambda: rill.windows(np.arange(3), 2, 0), "stride: expected at least 1"),
        (lambda: rill.windows(np.arange(3), 1.5), "length: expected an integer"),
        (lambda: rill.split_by_time(np.arange(3), np.arange(4)), "y: expected 3 entries like x, got 4"),
        (lambda: rill.split_by_time(np.arange(3), validation=0.1), "0 of 3"),
        (lambda: rill.split_by_time(np.arange(3), validation=3), "3 of 3"),
        (lambda: rill.split_by_time(np.arange(3), validation=1.5), "validation: expected 0 < share < 1"),
        (lambda: rill.split_by_time(noise(1, 9, 2)), "split by time if it has no batch dimension"),
    ],
)
def test_what_cannot_be_cut_is_refused(call, message):
    with pytest.raises(rill.ArgumentError, match=message):
        call()

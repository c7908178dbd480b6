"""The common generator of engine.h, for engines in Python."""

import numpy as np


class Generator:
    """bench_uniform of engine.h."""

    def __init__(self, seed):
        self.state = np.uint32(seed)

    def draw(self, shape, scale):
        steps = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64) * np.uint64(0x9E3779B9) + np.uint64(self.state)
        z = steps.astype(np.uint32)
        self.state = z[-1]
        z = (z ^ (z >> np.uint32(16))) * np.uint32(0x21F0AAAD)
        z = (z ^ (z >> np.uint32(15))) * np.uint32(0x735A2D97)
        z ^= z >> np.uint32(15)
        values = (z >> np.uint32(8)).astype(np.float32) * np.float32(1 / 8388608) - np.float32(1)
        return (np.float32(scale) * values).reshape(shape)

"""Data parallel training over MPI: every process computes the gradient of its share of the batch, and all make the same update.

    mpirun -n 4 python mpi_train.py

It needs an MPI, such as Debian's package openmpi-bin, and the Python package mpi4py. (As root, and for more processes than processors:
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 4 ….)

How it works. A trainer's waiting gradients are one flat float32 array: the gradient of the sum of all losses, then that sum, then what a
mean divides by (how many values count). All three are sums, so the element-wise sum of the arrays of all processes is the array of the
whole batch, however unequal the shares are. An update is therefore

    trainer.evaluate_gradients(share)               each for itself
    Allreduce(trainer.gradients, SUM)               the only communication
    trainer.update_from_gradients()                 each for itself, all the same: clipping, optimizer, schedule

What is the same to the bit. A seed draws the same parameters on every machine, and from equal sums processors of one kind compute equal
updates: the parameters are the same in all processes, always, and nobody has to send them. (Processors of different kinds round
differently. There set RILL_ISA=baseline for all, or broadcast the parameters now and then.) With one process the bits are those of
Trainer.update.

What is not. One process with the whole batch adds up the same numbers in another order, and float32 rounds each sum. So its loss differs,
in the eighth digit here, and so do those of 2, 3 and 4 processes among each other; in a long training such differences grow, as they do
between any two machines. The program trains with the whole batch as well and says how much.

What an update costs on the wire. The array has parameters + 2 numbers of 4 bytes. In a ring all-reduce each of n processes sends, and
receives, 4 (parameters + 2) · 2 (n - 1) / n bytes: less than twice the array, whatever n is. examples/README.md has a table of what this
means for a network.

The task: the weekly carbon dioxide in the air, 24 pieces of it of 20 to 104 weeks; after every week, the change over the next 4.
"""

import argparse
import time

import numpy as np
import rill
import series
import train
from mpi4py import MPI

SEQUENCES, SHORTEST, LONGEST = 24, 20, 104


def make_data(seed=1):
    """Pieces of the series of unequal length, and what to answer: lists of arrays [time][1] and [time][4], the same in all processes."""
    values = series.read(series.DATA / "co2.csv").values
    inputs, targets = series.changes(values), series.future_changes(values, train.HORIZON)
    random = np.random.default_rng(seed)
    lengths = random.integers(SHORTEST, LONGEST, SEQUENCES, endpoint=True)
    starts = random.integers(1, len(targets) - LONGEST, SEQUENCES)
    pieces = [slice(start, start + length) for start, length in zip(starts, lengths)]
    return [inputs[piece] for piece in pieces], [targets[piece] for piece in pieces]


def share_of(rank, count):
    """The sequences of one of count processes: unequal shares on purpose, as of machines of unequal speed (1 : 2 : 3 …)."""
    ends = np.cumsum(np.arange(count + 1))
    ends = np.round(SEQUENCES * ends / ends[-1]).astype(int)
    return slice(ends[rank], ends[rank + 1])


def create_trainer(model):
    """The same options in every process. The seed is that of dropout, of which this network has none: with dropout, a seed for each process."""
    optimizer = {"type": "sgd", "momentum": 0.9, "learning_rate": 0.1}
    return rill.Trainer(model, loss="mse", seed=1, optimizer=optimizer, clip_norm=1, schedule={"type": "cosine", "t_max": 50})


def update(trainer, batch, communicator):
    """One update from the shares of all processes. Returns the loss of the whole batch before it, and the seconds of the communication."""
    try:
        trainer.evaluate_gradients(batch)
        flat = trainer.gradients
    except rill.DivergedError:
        # The others wait in the all-reduce, so take part in it. NaN in one array is NaN in the sum, and training ends everywhere.
        flat = np.full(sum(values.size for values in trainer.model.parameters.values()) + 2, np.nan, dtype=np.float32)
    begun = time.perf_counter()
    communicator.Allreduce(MPI.IN_PLACE, flat, op=MPI.SUM)
    seconds = time.perf_counter() - begun
    trainer.gradients = flat  # refuses what is not finite, in all processes alike
    trainer.update_from_gradients()
    return float(flat[-2]) / float(flat[-1]), seconds


def parameters_of(model):
    return np.concatenate([values.ravel() for values in model.parameters.values()])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=50)
    arguments = parser.parse_args()
    communicator = MPI.COMM_WORLD
    rank, count = communicator.Get_rank(), communicator.Get_size()

    inputs, targets = make_data()
    scale = np.concatenate(inputs), np.concatenate(targets)
    model = train.create_model(*scale)
    trainer = create_trainer(model)
    share = share_of(rank, count)
    batch = rill.Batch(model, inputs[share], targets=targets[share])
    losses, seconds = zip(*(update(trainer, batch, communicator) for _ in range(arguments.updates)))

    ours = parameters_of(model)
    if not all(np.array_equal(ours, others) for others in communicator.allgather(ours)):
        raise SystemExit("mpi_train: the parameters are not the same in all processes")
    if rank != 0:
        return

    alone = train.create_model(*scale)
    trainer_alone = create_trainer(alone)
    whole = rill.Batch(alone, inputs, targets=targets)
    losses_alone = [trainer_alone.update(whole) for _ in range(arguments.updates)]
    differences = np.abs(np.array(losses) / losses_alone - 1)
    last, last_alone = (of.evaluate(whole)["loss"] for of in (trainer, trainer_alone))
    bits = "the same" if np.array_equal(ours, parameters_of(alone)) else "others"

    shares = [share_of(other, count) for other in range(count)]
    sizes = ", ".join(str(other.stop - other.start) for other in shares)
    print(f"{count} processes with {sizes} sequences of {SHORTEST} to {LONGEST} steps")
    print(f"loss {losses[0]:.6f} at first, after {arguments.updates} updates {last:.9f}")
    print(f"loss of one process with the whole batch {last_alone:.9f}")
    print(f"relative difference: {abs(last / last_alone - 1):.1e} at the end, {differences.max():.1e} at the most on the way")
    print(f"parameters: the same bits in all processes; the bits of one process with the whole batch: {bits}")
    size = 4 * (ours.size + 2)
    print(f"an update sends {size} bytes from each process times 2 (n - 1) / n: {size * 2 * (count - 1) / count:.0f}")
    print(f"all-reduce on this machine: {1e6 * np.median(seconds):.0f} microseconds, median")
    assert differences.max() < 1e-6 and abs(last / last_alone - 1) < 1e-6


if __name__ == "__main__":
    main()

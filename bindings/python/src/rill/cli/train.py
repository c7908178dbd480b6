"""rill train"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

import rill

from . import _configuration, _options
from ._configuration import DATA_OPTIONS, ROLES, SEQUENCE_LENGTH
from ._dataset import Dataset, Roles, encode, read_dataset, read_table_roles, read_text
from ._failure import Failure

TEXT = """The configuration is that of a model (docs/model-format.md) with an object "training". What follows from the data may be left out:
the input's kind and size, and the output_size of a last dense layer.

  {"layers": [{"type": "lstm", "hidden_size": 32}, {"type": "dense"}],
   "training": {"loss": "mse", "epochs": 50, "learning_rate": 0.005, "clip_norm": 1, "normalize": true}}

training:
  loss, epochs                  required (a text has the loss "cross_entropy")
  batch_size, sequence_length   windows in an update (32), steps of a window (100 of a table or text; of groups: whole)
  input, target, ahead, group   as the options of these names
  normalize                     true: mean and standard deviation of the training rows become the model's shift and scale
  validation                    as --validation; seed: of the parameters, of dropout and of the order of windows (0)
  and every other argument of Model.fit and Trainer: optimizer, learning_rate, schedule, clip_norm, patience, keep_best,
                                stateful, threads, …

examples:
  rill train config.json co2.csv --input co2_ppm --target co2_ppm --ahead 1 -o co2.json --plot co2.png
  rill train config.json book.txt --text --epochs 20 --checkpoint book.checkpoint
  rill train config.json book.txt --text --epochs 40 --resume book.checkpoint

The model keeps in its metadata what eval and run need: names of columns, the loss, the characters of a text.
An interrupt (Ctrl-C) with --checkpoint leaves a checkpoint, from which --resume goes on to the same bits."""


def add(commands: Any) -> None:
    parser = _options.command(commands, "train", "Train a model on a table or a text.", TEXT, execute)
    parser.add_argument("config", help='JSON: the model\'s configuration and "training"')
    parser.add_argument("data", help="CSV file with a header, or a text file with --text")
    parser.add_argument("-o", "--output", default="model.json", metavar="FILE", help="model file to write (default: model.json)")
    _options.add_columns(parser)
    parser.add_argument("--epochs", type=_options.natural, metavar="N", help="times to go through the data")
    parser.add_argument(
        "--validation", type=_options.share, metavar="SHARE", help="the last part of the data, held out (default 0.1; 0: none)"
    )
    parser.add_argument("--checkpoint", metavar="FILE", help="write a checkpoint after every epoch and on an interrupt")
    parser.add_argument("--resume", metavar="FILE", help="go on from a checkpoint, with the same data; it brings model and optimizer")
    parser.add_argument("--plot", metavar="FILE", help="draw the history into a picture (needs matplotlib)")
    parser.add_argument("--history", metavar="FILE", help="write the history as JSON, for rill plot")
    parser.add_argument("--seed", type=_options.natural, metavar="N", help="of parameters, dropout and order")
    parser.add_argument("--quiet", action="store_true", help="no bar")


def execute(arguments: argparse.Namespace) -> int:
    configuration, training = _configuration.read_configuration(arguments.config)
    where = f"{arguments.config}: training"
    roles = Roles.read(training, arguments, where)
    options = {name: value for name, value in training.items() if name not in (*ROLES, "normalize", "validation", "seed")}
    if arguments.epochs is not None:
        options["epochs"] = arguments.epochs
    if arguments.text:
        options.setdefault("loss", "cross_entropy")
    for name in ("loss", "epochs"):
        if name not in options:
            raise Failure(f"{where}: {name} is missing")
    validation = training.get("validation", 0.1) if arguments.validation is None else arguments.validation
    seed = training.get("seed", 0) if arguments.seed is None else arguments.seed

    trainer = None if arguments.resume is None else rill.Trainer.load(arguments.resume)
    if arguments.text:
        data = _text_data(arguments, configuration, trainer)
    else:
        data = _table_data(arguments, configuration, training, roles, options["loss"], validation)
    if data.is_long:
        options.setdefault("sequence_length", SEQUENCE_LENGTH)
    fit_options = {
        "validation_split": validation,
        "seed": seed,
        "checkpoint": arguments.checkpoint or arguments.resume,
        "progress": not arguments.quiet,
    }
    model = rill.Model(configuration, seed=seed) if trainer is None else trainer.model
    x, y = data.for_fit(model.output_per_sequence)
    try:
        if trainer is None:
            history = model.fit(x, y, **options, **fit_options)
        else:
            restore = "best" if options.get("keep_best") else "average" if "average" in options else None
            data_options = {name: options[name] for name in DATA_OPTIONS if name in options}
            history = trainer.fit(x, y, **data_options, **fit_options, restore=restore)
    except KeyboardInterrupt:
        path = fit_options["checkpoint"]
        kept = f"--resume {path} goes on" if path else "without --checkpoint nothing is saved"
        print(f"rill: interrupted; {kept}", file=sys.stderr)
        return 130
    except TypeError as error:  # a key of the wrong type
        raise Failure(f"{where}: {error}") from None
    model.save(arguments.output)
    _finish(history, arguments)
    return 0


def _text_data(arguments: argparse.Namespace, configuration: dict[str, Any], trainer: Any) -> Dataset:
    text = read_text(arguments.data)
    if trainer is None:
        characters = "".join(sorted(set(text)))
        configuration.setdefault("metadata", {}).update({"characters": characters, "loss": "cross_entropy"})
        _configuration.fill_sizes(configuration, "token", len(characters), len(characters), arguments.config)
    else:
        characters = _options.metadata_of(trainer.model).get("characters", "")
    return Dataset([encode(text, characters, arguments.data)], None, True)


def _table_data(
    arguments: argparse.Namespace, configuration: dict[str, Any], training: dict[str, Any], roles: Roles, loss: Any, validation: float
) -> Dataset:
    table = read_table_roles(arguments.data, arguments.delimiter, roles)
    are_classes = _configuration.loss_name(loss) == "cross_entropy"
    data = read_dataset(table, roles, are_classes)
    assert roles.input is not None and roles.target is not None and data.answers is not None
    output_size = int(max(answer.max() for answer in data.answers)) + 1 if are_classes else len(roles.target)
    _configuration.fill_sizes(configuration, "vector", len(roles.input), output_size, arguments.config)
    if training.get("normalize"):
        inputs, answers = data.inputs, data.answers
        if validation:
            # Only what is trained on: the scale is not to know what is held out.
            x, y = (inputs[0], answers[0]) if data.is_long else (inputs, answers)
            (x, y), _ = rill.split_by_time(x, y, validation)
            inputs, answers = ([x], [y]) if data.is_long else (x, y)
        is_regression = _configuration.loss_name(loss) not in ("cross_entropy", "bce")
        _configuration.normalize(configuration, np.concatenate(inputs), np.concatenate(answers) if is_regression else None)
    names = {"input": roles.input, "target": roles.target, "ahead": roles.ahead, "group": roles.group, "loss": loss}
    configuration.setdefault("metadata", {}).update({name: value for name, value in names.items() if value is not None})
    return data


def _finish(history: rill.History, arguments: argparse.Namespace) -> None:
    """Writes what was asked for and says what came out."""
    if arguments.history:
        history.save(arguments.history)
    if arguments.plot:
        draw(lambda: history.plot(arguments.plot))
    last = {name: column[-1] for name, column in history.epochs.items() if column}
    metrics = [f"{name.replace('_', ' ')} {value:.6g}" for name, value in last.items() if name == "loss" or name.startswith("validation_")]
    stopped = f" (stopped {history.stopped})" if history.stopped else ""
    print(f"{len(history.loss)} epochs{stopped}: {', '.join(metrics) or 'nothing was trained'}")
    print(f"{arguments.output} is saved")


def draw(function: Any) -> Any:
    """Calls a function that draws. Raises Failure without matplotlib, or for a kind of picture that it does not know."""
    try:
        return function()
    except ImportError:
        raise Failure("pictures need matplotlib: pip install matplotlib") from None
    except ValueError as error:
        raise Failure(str(error)) from None

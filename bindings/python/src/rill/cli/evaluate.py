"""rill eval"""

from __future__ import annotations

import argparse
import json
from typing import Any

from . import _configuration, _options
from ._dataset import Dataset, Roles, encode, read_dataset, read_table_roles, read_text
from ._failure import Failure

TEXT = """Names of columns and the loss are those that the model was trained with, as its metadata say, unless they are given here.
Without --sequence-length the whole table is one sequence, and so is a text, or each group of rows.

examples:
  rill eval model.json late.csv
  rill eval model.json late.csv --json | jq .loss
  rill eval book.json chapter.txt"""


def add(commands: Any) -> None:
    parser = _options.command(commands, "eval", "Print the loss and metrics of a model on data.", TEXT, execute)
    parser.add_argument("model", help="model file")
    parser.add_argument("data", help='CSV file with a header, or a text; "-" for standard input')
    _options.add_columns(parser)
    parser.add_argument("--loss", help="mse, cross_entropy, bce, …")
    parser.add_argument("--sequence-length", type=_options.positive, metavar="N", help="cut into windows that begin in the initial state")
    parser.add_argument("--batch-size", type=_options.positive, default=32, metavar="N", help="sequences or windows at once (default 32)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def execute(arguments: argparse.Namespace) -> int:
    model = _options.load_model(arguments.model)
    metadata = _options.metadata_of(model)
    loss = arguments.loss or metadata.get("loss")
    if arguments.text or "characters" in metadata:
        loss = loss or "cross_entropy"
        if not isinstance(metadata.get("characters"), str):
            raise Failure(f"{arguments.model}: has no characters in its metadata: it was not trained on a text by rill")
        data = Dataset([encode(read_text(arguments.data), metadata["characters"], arguments.data)], None, True)
    else:
        if loss is None:
            raise Failure(f"--loss: {arguments.model} does not say what it was trained with")
        roles = Roles.read(metadata, arguments, f"{arguments.model}: metadata")
        table = read_table_roles(arguments.data, arguments.delimiter, roles)
        data = read_dataset(table, roles, _configuration.loss_name(loss) == "cross_entropy")
    x, y = data.for_fit(model.output_per_sequence)
    if model.output_per_sequence and data.is_long and arguments.sequence_length is None:
        arguments.sequence_length = _configuration.SEQUENCE_LENGTH
    metrics = model.evaluate(x, y, loss=loss, batch_size=arguments.batch_size, sequence_length=arguments.sequence_length)
    if arguments.json:
        print(json.dumps(metrics))
        return 0
    width = max(map(len, metrics))
    for name, value in metrics.items():
        print(f"{name.replace('_', ' '):{width}}  {value:.6g}")
    return 0

"""A Rill configuration as a PyTorch module: the layers are PyTorch's own wherever PyTorch has them.

Shape letters: T time steps, B sequences, I inputs, H hidden size, O outputs. Sequences are [T][B][size].
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

ACTIVATIONS = {
    "linear": lambda x: x,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: torch.softmax(x, dim=-1),
}


class ResetBeforeGRU(nn.Module):
    """The GRU that applies the reset gate before the recurrent product, which PyTorch lacks; names and shapes are nn.GRU's."""

    def __init__(self, input_size, hidden_size, num_layers, bias):
        super().__init__()
        self.hidden_size, self.num_layers, self.bias = hidden_size, num_layers, bias
        for k in range(num_layers):
            inputs = input_size if k == 0 else hidden_size
            self.register_parameter(f"weight_ih_l{k}", nn.Parameter(torch.empty(3 * hidden_size, inputs)))
            self.register_parameter(f"weight_hh_l{k}", nn.Parameter(torch.empty(3 * hidden_size, hidden_size)))
            if bias:
                self.register_parameter(f"bias_ih_l{k}", nn.Parameter(torch.empty(3 * hidden_size)))
                self.register_parameter(f"bias_hh_l{k}", nn.Parameter(torch.empty(3 * hidden_size)))

    def cell(self, k, x, h):
        w_r, w_z, w_n = getattr(self, f"weight_ih_l{k}").chunk(3)
        u_r, u_z, u_n = getattr(self, f"weight_hh_l{k}").chunk(3)
        b_r = b_z = b_n = c_r = c_z = c_n = 0
        if self.bias:
            b_r, b_z, b_n = getattr(self, f"bias_ih_l{k}").chunk(3)
            c_r, c_z, c_n = getattr(self, f"bias_hh_l{k}").chunk(3)
        r = torch.sigmoid(x @ w_r.T + b_r + h @ u_r.T + c_r)
        z = torch.sigmoid(x @ w_z.T + b_z + h @ u_z.T + c_z)
        n = torch.tanh(x @ w_n.T + b_n + (r * h) @ u_n.T + c_n)
        return (1 - z) * n + z * h

    def forward(self, x, h0, lengths):
        """x [T][B][I], h0 [num_layers][B][H], lengths [B]; gives outputs [T][B][H] (0 at padded steps) and the last states."""
        last = []
        for k in range(self.num_layers):
            h, outputs = h0[k], []
            for t in range(x.shape[0]):
                valid = (t < lengths)[:, None]
                h = torch.where(valid, self.cell(k, x[t], h), h)
                outputs.append(torch.where(valid, h, torch.zeros_like(h)))
            x = torch.stack(outputs)
            last.append(h)
        return x, torch.stack(last)


class Recurrent(nn.Module):
    """An rnn, lstm or gru layer over padded sequences."""

    def __init__(self, layer, input_size):
        super().__init__()
        self.type, self.hidden_size = layer["type"], layer["hidden_size"]
        self.num_layers = layer.get("num_layers", 1)
        self.return_sequences = layer.get("return_sequences", True)
        bias = layer.get("bias", True)
        self.packed = True
        if self.type == "rnn":
            nonlinearity = layer.get("nonlinearity", "tanh")
            self.cells = nn.RNN(input_size, self.hidden_size, self.num_layers, nonlinearity=nonlinearity, bias=bias)
        elif self.type == "lstm":
            self.cells = nn.LSTM(input_size, self.hidden_size, self.num_layers, bias=bias)
        elif layer.get("reset_after", True):
            self.cells = nn.GRU(input_size, self.hidden_size, self.num_layers, bias=bias)
        else:
            self.packed = False
            self.cells = ResetBeforeGRU(input_size, self.hidden_size, self.num_layers, bias)
        self.initial = nn.ParameterDict()
        if layer.get("initial_state", False):
            for k in range(self.num_layers):
                for state in ["h0", "c0"] if self.type == "lstm" else ["h0"]:
                    self.initial[f"{state}_l{k}"] = nn.Parameter(torch.empty(self.hidden_size))

    def named(self):
        return {**dict(self.cells.named_parameters()), **dict(self.initial.items())}

    def start(self, state, batch_size, like):
        """The initial state for every sequence: [num_layers][B][H]."""
        if len(self.initial) == 0:
            return torch.zeros(self.num_layers, batch_size, self.hidden_size, dtype=like.dtype)
        rows = [self.initial[f"{state}_l{k}"].expand(batch_size, -1) for k in range(self.num_layers)]
        return torch.stack(rows)

    def forward(self, x, lengths):
        sequence_length, batch_size = x.shape[:2]
        h0 = self.start("h0", batch_size, x)
        if not self.packed:
            outputs, last = self.cells(x, h0, lengths)
        else:
            state = (h0, self.start("c0", batch_size, x)) if self.type == "lstm" else h0
            outputs, last = self.cells(pack_padded_sequence(x, lengths, enforce_sorted=False), state)
            outputs, _ = pad_packed_sequence(outputs, total_length=sequence_length)
            last = last[0] if self.type == "lstm" else last
        return outputs if self.return_sequences else last[-1][None]


class Network(nn.Module):
    """The whole configuration. A model with one output per sequence gives [1][B][O]."""

    def __init__(self, configuration):
        super().__init__()
        self.configuration = configuration
        self.input = configuration["input"]
        self.layers, self.names = nn.ModuleList(), []
        size = self.input["size"]
        for index, layer in enumerate(configuration["layers"]):
            self.names.append(layer.get("name", str(index)))
            if layer["type"] == "dense":
                self.layers.append(nn.Linear(size, layer["output_size"], bias=layer.get("bias", True)))
                size = layer["output_size"]
            elif layer["type"] == "embedding":
                self.layers.append(nn.Embedding(size, layer["embedding_dim"]))
                size = layer["embedding_dim"]
            else:
                self.layers.append(Recurrent(layer, size))
                size = layer["hidden_size"]
        self.output_size = size
        self.per_sequence = any(layer.get("return_sequences") is False for layer in configuration["layers"])

    def named(self):
        """Rill's name of every parameter."""
        result = {}
        for name, module in zip(self.names, self.layers):
            parameters = module.named() if isinstance(module, Recurrent) else dict(module.named_parameters())
            result.update({f"{name}.{key}": value for key, value in parameters.items()})
        return result

    def normalize(self, values, side):
        """(values - shift) / scale with the shift and scale of "input" or "output"."""
        description = self.configuration.get(side, {})
        shift = torch.tensor(description.get("shift", [0.0]), dtype=values.dtype)
        scale = torch.tensor(description.get("scale", [1.0]), dtype=values.dtype)
        return (values - shift) / scale

    def forward(self, x, lengths):
        """x [T][B][I] or tokens [T][B]; gives the pre-activation of the last layer and the output in the network's own units."""
        first_is_embedding = isinstance(self.layers[0], nn.Embedding)
        if self.input["kind"] == "vector":
            x = self.normalize(x, "input")
        else:
            present = (x >= 0)[..., None]
            tokens = x.clamp(min=0)
            dtype = next(iter(self.parameters())).dtype
            x = self.layers[0](tokens) if first_is_embedding else nn.functional.one_hot(tokens, self.input["size"]).to(dtype)
            x = x * present
        logits = x
        for layer, module in list(zip(self.configuration["layers"], self.layers))[first_is_embedding:]:
            if layer["type"] == "dense":
                logits = module(x)
                x = ACTIVATIONS[layer.get("activation", "linear")](logits)
            else:
                logits = x = module(x, lengths)
        return logits, x

    def host_outputs(self, x, lengths):
        """Outputs as a host sees them: in its units, 0 at padded steps."""
        _, y = self(x, lengths)
        description = self.configuration.get("output", {})
        shift = torch.tensor(description.get("shift", [0.0]), dtype=y.dtype)
        scale = torch.tensor(description.get("scale", [1.0]), dtype=y.dtype)
        y = y * scale + shift
        return y if self.per_sequence else y * valid_steps(y.shape[0], lengths)[..., None]


def valid_steps(sequence_length, lengths):
    """[T][B], true at steps that are not padding."""
    return torch.arange(sequence_length)[:, None] < lengths[None, :]

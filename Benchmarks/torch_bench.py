"""PyTorch as an engine that trains; see training_peer.py. As its users write it, with the fastest of its implementations of Adam."""

import torch
from torch import nn
from training_peer import CLIP_NORM, LEARNING_RATE, make_data, make_weights, serve, task_of_arguments


def main():
    task = task_of_arguments()
    torch.set_num_threads(task.threads)
    torch.set_num_interop_threads(1)
    layers = {"lstm": nn.LSTM, "gru": nn.GRU}[task.cell](task.inputs, task.hidden, task.layers)
    head = nn.Linear(task.hidden, task.outputs)
    parameters = [*layers.parameters(), *head.parameters()]  # in the order of engine.h
    with torch.no_grad():
        for parameter, values in zip(parameters, make_weights(task)):
            parameter.copy_(torch.from_numpy(values))
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
    inputs, targets = map(torch.from_numpy, make_data(task))

    def loss_of_tokens():
        outputs = head(layers(nn.functional.one_hot(inputs, task.inputs).float())[0])
        return nn.functional.cross_entropy(outputs.view(-1, task.outputs), targets.reshape(-1))

    def loss_of_vectors():
        return nn.functional.mse_loss(head(layers(inputs)[0]), targets)

    measure = loss_of_tokens if task.kind == "charlm" else loss_of_vectors

    def update():
        optimizer.zero_grad()
        loss = measure()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimizer.step()
        return loss.item()

    serve(update)


if __name__ == "__main__":
    main()

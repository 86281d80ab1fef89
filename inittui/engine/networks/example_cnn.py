"""An example of a user's own network, to be named in `model.factory`."""

from torch import nn


def small_cnn(*, inputs: tuple[int, ...], classes: int) -> nn.Module:
    """Three convolutions and a dense layer: images [batch, *inputs] to logits [batch, classes].

    `inputs` is (channels, rows, columns). The convolutions are strided, which is fast on a CPU.
    """
    channels = inputs[0]
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 2 * 2, classes),
    )

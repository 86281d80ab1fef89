"""The test of a network on all test images."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.engine.data.device_data import DeviceData

TEST_BATCH = 1000
SHOWN = 5  # classes kept of a prediction, the likeliest first


@dataclass(frozen=True)
class Evaluation:
    """A test: mean cost, share of images right, and each image's likeliest classes, [n, SHOWN]."""

    cost: float
    accuracy: float
    classes: Tensor  # int64
    probabilities: Tensor  # float32


@torch.no_grad()
def evaluate(network: nn.Module, images: DeviceData) -> Evaluation:
    """`network` is in training mode before and after."""
    device = images.test.device
    cost = torch.zeros((), dtype=torch.float64, device=device)
    right = torch.zeros((), dtype=torch.int64, device=device)
    tops = []
    network.eval()
    for first in range(0, len(images.test), TEST_BATCH):
        x, labels = images.tests(first, TEST_BATCH)
        logits = network(x)
        cost += cross_entropy(logits, labels, reduction="sum")
        # argmax, not topk: of equal logits argmax takes the first, on every device.
        right += (logits.argmax(1) == labels).sum()
        tops.append(logits.softmax(1).topk(min(SHOWN, logits.shape[1])))
    network.train()
    count = len(images.test)
    return Evaluation(
        cost=cost.item() / count,
        accuracy=right.item() / count,
        classes=torch.cat([top.indices for top in tops]),
        probabilities=torch.cat([top.values for top in tops]),
    )

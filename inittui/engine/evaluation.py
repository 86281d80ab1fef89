"""Tests a network on all test images."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui.engine.data.device_data import DeviceData
from inittui.experiment.preset import Arm

TEST_BATCH = 1000
TEST_NUMBERS = 800_000  # in a batch of large inputs: 1000 of MNIST
SHOWN = 5  # classes that are kept of a prediction, the most likely first


@dataclass(frozen=True)
class Evaluation:
    """Mean cost, share of correct images, and the most likely classes of each image [n, SHOWN] with their probabilities."""

    cost: float
    accuracy: float
    classes: Tensor  # int64
    probabilities: Tensor  # float32


def test_batch(arm: Arm, numbers: int) -> int:
    """How many inputs of so many `numbers` the arm is tested on at a time. A user's own network may need much memory for a
    large input; the batch that it trains with fits."""
    return min(TEST_BATCH, max(arm.training.batch_size, TEST_NUMBERS // numbers)) if arm.model.factory else TEST_BATCH


@torch.no_grad()
def evaluate(network: nn.Module, data: DeviceData, batch: int = TEST_BATCH) -> Evaluation:
    """Test `network` in evaluation mode, on `batch` inputs at a time. It is in training mode before and after."""
    device = data.test.device
    cost = torch.zeros((), dtype=torch.float64, device=device)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    tops = []
    network.eval()
    for first in range(0, len(data.test), batch):
        x, labels = data.test_batch(first, batch)
        logits = network(x)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))  # bfloat16 sums would keep two digits
        cost += cross_entropy(logits, labels, reduction="sum")
        # Not topk: of equal logits argmax takes the first on every device.
        correct += (logits.argmax(1) == labels).sum()
        tops.append(logits.softmax(1).topk(min(SHOWN, logits.shape[1])))
    network.train()
    return Evaluation(
        cost=cost.item() / len(data.test),
        accuracy=correct.item() / len(data.test),
        classes=torch.cat([top.indices for top in tops]),
        probabilities=torch.cat([top.values for top in tops]).float(),
    )

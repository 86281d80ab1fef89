"""The training loop: yields events, and knows no process, no file and no terminal.

This is the reference path: autograd, torch's own optimizers, any module. Costs stay on the device between reports.
"""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inittui import events
from inittui.engine.data import Dataset
from inittui.engine.initialise import initialise, stream
from inittui.engine.network import mlp
from inittui.preset import Arm, Training

TEST_BATCH = 1000
SHOWN = 5  # classes kept of a prediction, the likeliest first


class CostNotFinite(ArithmeticError):
    """The cost became NaN or infinite: the message says where."""


class Stop(Exception):
    """Raised by `between_steps` to end a training early."""


@dataclass
class Replica:
    """One training of an arm from one seed."""

    seed: int
    network: nn.Sequential
    optimizer: torch.optim.Optimizer
    order: torch.Generator  # the batches' stream
    seconds: float = 0.0


@dataclass(frozen=True)
class Images:
    """A data set on the device; images flat, as uint8 [n, inputs], scaled batch by batch: a quarter of the memory."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    train_divisor: float
    test_divisor: float

    @classmethod
    def of(cls, data: Dataset, device: torch.device, *, scale_test: bool) -> "Images":
        return cls(
            train=data.train_images.flatten(1).to(device),
            train_labels=data.train_labels.to(device),
            test=data.test_images.flatten(1).to(device),
            test_labels=data.test_labels.to(device),
            train_divisor=data.pixel_max,
            test_divisor=data.pixel_max if scale_test else 1.0,
        )


@dataclass(frozen=True)
class Evaluation:
    """A test: mean cost, share of images right, and each image's likeliest classes, [n, SHOWN]."""

    cost: float
    accuracy: float
    classes: Tensor  # int64
    probabilities: Tensor  # float32


class Trainer:
    """Trains every replica of an arm, epoch by epoch in turn, so that mean and band of the replicas are live.

    `between_steps` is called before every step; it may wait (pause) or raise `Stop`.
    """

    def __init__(
        self,
        arm: Arm,
        data: Dataset,
        device: torch.device,
        *,
        scale_test: bool = True,
        between_steps: Callable[[], None] = lambda: None,
        report_seconds: float = 0.1,
    ) -> None:
        self.arm = arm
        self.data = data
        self.device = device
        self.images = Images.of(data, device, scale_test=scale_test)
        self.steps = len(self.images.train) // arm.training.batch_size
        self.between_steps = between_steps
        self.report_seconds = report_seconds
        self.replicas: list[Replica] = []
        self.evaluations: dict[int, Evaluation] = {}  # the newest of each seed

    def run(self) -> Iterator[events.Event]:
        """Train to the end. Raises CostNotFinite, Stop, and what torch raises."""
        yield self._begin()
        watched = watched_image(self.arm.training.seeds[0], len(self.images.test))
        yield _sample(self.data, watched)
        for epoch in range(1, self.arm.training.epochs + 1):
            for replica in self.replicas:
                cost, seconds = yield from self._epoch(replica, epoch)
                began = time.perf_counter()
                self.evaluations[replica.seed] = tested = self._evaluate(replica.network)
                yield events.Epoch(
                    seed=replica.seed,
                    epoch=epoch,
                    train_cost=cost,
                    test_cost=events.finite(tested.cost),
                    test_accuracy=tested.accuracy,
                    seconds=seconds,
                    test_seconds=time.perf_counter() - began,
                    sample=_prediction(tested, watched),
                )

    def _begin(self) -> events.Begin:
        training, model = self.arm.training, self.arm.model
        deviations: list[float] = []
        for seed in training.seeds:
            network = mlp(model, self.data.rows * self.data.columns, len(self.data.classes))
            drawn = initialise(network, self.arm.init, seed)
            deviations = deviations or drawn
            network.to(self.device)
            self.replicas.append(Replica(seed, network, optimizer(network, training), stream(seed, "batches")))
        layers = [layer for layer in self.replicas[0].network if isinstance(layer, nn.Linear)]
        return events.Begin(
            arm=self.arm.name,
            seeds=training.seeds,
            epochs=training.epochs,
            steps=self.steps,
            batch_size=training.batch_size,
            parameters=sum(parameter.numel() for parameter in self.replicas[0].network.parameters()),
            layers=tuple((layer.in_features, layer.out_features) for layer in layers),
            stds=tuple(events.finite(deviation) for deviation in deviations),
        )

    def _epoch(self, replica: Replica, epoch: int) -> Generator[events.Event, None, tuple[float, float]]:
        """One pass over the shuffled training images, the last partial batch dropped. Returns mean cost and seconds."""
        images, size = self.images, self.arm.training.batch_size
        order = torch.randperm(len(images.train), generator=replica.order).to(self.device)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        reported_step, reported_total = 0, 0.0
        began = reported_at = time.perf_counter()
        for step in range(1, self.steps + 1):
            self.between_steps()
            batch = order[(step - 1) * size : step * size]
            x = images.train.index_select(0, batch).float().div_(images.train_divisor)
            cost = cross_entropy(replica.network(x), images.train_labels.index_select(0, batch))
            replica.optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            replica.optimizer.step()
            total += cost.detach()
            now = time.perf_counter()
            if now - reported_at >= self.report_seconds and step < self.steps:
                value = total.item()
                self._check(value, replica.seed, epoch, step)
                done = step - reported_step
                yield events.Progress(
                    seed=replica.seed,
                    epoch=epoch,
                    step=step,
                    cost=events.finite((value - reported_total) / done),
                    samples_per_second=done * size / (now - reported_at),
                    device_bytes=self._device_bytes(),
                )
                reported_step, reported_total, reported_at = step, value, now
        mean = total.item() / self.steps
        self._check(mean, replica.seed, epoch, self.steps)
        return mean, time.perf_counter() - began

    def _check(self, cost: float, seed: int, epoch: int, step: int) -> None:
        if not math.isfinite(cost):
            raise CostNotFinite(
                f"cost not finite ({cost}) in epoch {epoch}, by step {step} of {self.steps}, seed {seed}"
            )

    def _device_bytes(self) -> int:
        return torch.cuda.memory_reserved(self.device) if self.device.type == "cuda" else 0

    @torch.no_grad()
    def _evaluate(self, network: nn.Module) -> Evaluation:
        images = self.images
        cost = torch.zeros((), dtype=torch.float64, device=self.device)
        right = torch.zeros((), dtype=torch.int64, device=self.device)
        tops = []
        for first in range(0, len(images.test), TEST_BATCH):
            x = images.test[first : first + TEST_BATCH].float().div_(images.test_divisor)
            labels = images.test_labels[first : first + TEST_BATCH]
            logits = network(x)
            cost += cross_entropy(logits, labels, reduction="sum")
            # argmax, not topk: of equal logits argmax takes the first, on every device.
            right += (logits.argmax(1) == labels).sum()
            tops.append(logits.softmax(1).topk(min(SHOWN, logits.shape[1])))
        count = len(images.test)
        return Evaluation(
            cost=cost.item() / count,
            accuracy=right.item() / count,
            classes=torch.cat([top.indices for top in tops]),
            probabilities=torch.cat([top.values for top in tops]),
        )


def optimizer(network: nn.Module, training: Training) -> torch.optim.Optimizer:
    """The preset's optimizer, fused where this torch and device can: one pass over the parameters instead of eight."""
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "sgd": torch.optim.SGD,
    }
    options: dict[str, float] = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optimizer == "sgd":
        options["momentum"] = training.momentum
    kind = kinds[training.optimizer]
    try:
        return kind(network.parameters(), **options, fused=True)
    except (RuntimeError, TypeError):  # a torch that fuses on GPUs only, or not this one
        return kind(network.parameters(), **options)


def warm_up() -> None:
    """Have torch import now what it imports at the first optimizer (1.2 s): once here, not once in every fork."""
    optimizer(nn.Linear(1, 1), Training()).zero_grad()


def watched_image(seed: int, count: int) -> int:
    """The test image that is shown while training: drawn from the first seed, the same for every arm."""
    return int(torch.randint(count, (), generator=stream(seed, "sample")))


def _sample(data: Dataset, index: int) -> events.Sample:
    return events.Sample(
        index=index,
        label=int(data.test_labels[index]),
        rows=data.rows,
        columns=data.columns,
        pixels=grey(data, index).hex(),
    )


def grey(data: Dataset, index: int) -> bytes:
    """Test image `index` as grey values 0..255, row by row."""
    image = data.test_images[index].flatten().float().mul_(255 / data.pixel_max).round_().to(torch.uint8)
    return bytes(image.tolist())


def _prediction(tested: Evaluation, index: int) -> tuple[tuple[int, float], ...]:
    pairs = zip(tested.classes[index].tolist(), tested.probabilities[index].tolist(), strict=True)
    return tuple((number, round(share, 6)) for number, share in pairs if math.isfinite(share))

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
from inittui.engine import probes
from inittui.engine.data import Dataset
from inittui.engine.initialise import BATCH, initialise, stream
from inittui.engine.layers import Shape, layers
from inittui.engine.network import build
from inittui.engine.probing import Prober
from inittui.engine.replica import Replica
from inittui.preset import Arm, Training

TEST_BATCH = 1000
SHOWN = 5  # classes kept of a prediction, the likeliest first


class CostNotFinite(ArithmeticError):
    """The cost became NaN or infinite: the message says where."""


class Stop(Exception):
    """Raised by `between_steps` to end a training early."""


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

    `between_steps` is called before every step and returns the seconds that it waited (a pause); it may raise `Stop`. There,
    and between two events of `run`, the replicas are whole: a snapshot of them is a place to go on from.
    """

    def __init__(
        self,
        arm: Arm,
        data: Dataset,
        device: torch.device,
        *,
        scale_test: bool = True,
        between_steps: Callable[[], float] = lambda: 0.0,
        report_seconds: float = 0.1,
    ) -> None:
        self.arm = arm
        self.data = data
        self.device = device
        self.images = Images.of(data, device, scale_test=scale_test)
        self.steps = len(self.images.train) // arm.training.batch_size
        self.between_steps = between_steps
        self.report_seconds = report_seconds
        self.deviations: list[float] = []  # of the first replica's layers, as drawn
        self.replicas = [self._replica(seed) for seed in arm.training.seeds]
        self.evaluations: dict[int, Evaluation] = {}  # the newest of each seed
        looked_at = self._inputs(self.images.train[: probes.BATCH], self.images.train_divisor)
        self.prober = Prober(arm, self.replicas[0], looked_at, self.images.train_labels[: probes.BATCH])

    def _replica(self, seed: int) -> Replica:
        model = self.arm.model
        network = build(model, self.data.shape, len(self.data.classes), seed)
        # For the schemes that are fitted to data: always the same images, as they are in training.
        first = self._inputs(self.images.train[:BATCH].cpu(), self.images.train_divisor)
        drawn = initialise(network, self.arm.init, seed, batch=first, exclude=model.exclude)
        self.deviations = self.deviations or drawn
        network.to(self.device)
        costs = torch.zeros(self.steps, device=self.device)
        return Replica(seed, network, optimizer(network, self.arm.training), stream(seed, "batches"), costs)

    def _inputs(self, images: Tensor, divisor: float) -> Tensor:
        """Scaled, and in the shape that the network takes: a perceptron takes them flat. `images` is not changed."""
        x = images.float()
        x = x.div_(divisor) if x is not images else x / divisor
        return x if self.arm.model.factory is None else x.view(-1, *self.data.shape)

    def run(self) -> Iterator[events.Event]:
        """Train to the end, from where the replicas stand. Raises CostNotFinite, Stop, and what torch raises."""
        if any(replica.epochs or replica.step for replica in self.replicas):
            yield events.Restored(places=tuple(replica.place for replica in self.replicas))
        else:
            yield self._begin()
            yield self.prober.at_start(self.replicas[0])
        watched = watched_image(self.arm.training.seeds[0], len(self.images.test))
        yield _sample(self.data, watched)
        for epoch in range(1, self.arm.training.epochs + 1):
            for replica in self.replicas:
                if replica.epochs >= epoch:
                    continue
                cost, seconds = yield from self._epoch(replica)
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
                if (probe := self.prober.after(replica)) is not None:
                    yield probe
        for replica in self.replicas:  # one that had its last epoch before a checkpoint
            if replica.seed not in self.evaluations:
                self.evaluations[replica.seed] = self._evaluate(replica.network)
        # In the order of the seeds, whichever was tested first after a resume.
        self.evaluations = {replica.seed: self.evaluations[replica.seed] for replica in self.replicas}

    def _begin(self) -> events.Begin:
        training = self.arm.training
        shapes = [Shape.of(layer) for _, layer in layers(self.replicas[0].network)]
        return events.Begin(
            arm=self.arm.name,
            seeds=training.seeds,
            epochs=training.epochs,
            steps=self.steps,
            batch_size=training.batch_size,
            parameters=sum(parameter.numel() for parameter in self.replicas[0].network.parameters()),
            layers=tuple((shape.fan_in, shape.fan_out) for shape in shapes),
            stds=tuple(events.finite(deviation) for deviation in self.deviations),
        )

    def _epoch(self, replica: Replica) -> Generator[events.Event, None, tuple[float, float]]:
        """One pass over the shuffled training images, the last partial batch dropped, or what is left of it. Returns the
        mean cost and the seconds of training."""
        images, size = self.images, self.arm.training.batch_size
        order = replica.batches(len(images.train))
        replica.take_up(stream(replica.seed, f"noise/{replica.epochs}").initial_seed())
        reported = replica.step
        last = reported_at = time.perf_counter()
        while replica.step < self.steps:
            waited = self.between_steps()
            last += waited
            reported_at += waited
            if replica.step == self.steps - 1:
                self.prober.note(replica)
            batch = order[replica.step * size : (replica.step + 1) * size]
            x = self._inputs(images.train.index_select(0, batch), images.train_divisor)
            cost = cross_entropy(replica.network(x), images.train_labels.index_select(0, batch))
            replica.optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            replica.optimizer.step()
            replica.costs[replica.step] = cost.detach()
            replica.step += 1
            now = time.perf_counter()
            replica.seconds += now - last
            last = now
            if now - reported_at >= self.report_seconds and replica.step < self.steps:
                mean = self._mean_cost(replica, reported)
                done = replica.step - reported
                yield events.Progress(
                    seed=replica.seed,
                    epoch=replica.epochs + 1,
                    step=replica.step,
                    cost=mean,
                    samples_per_second=done * size / (now - reported_at),
                    device_bytes=self._device_bytes(),
                )
                reported, reported_at = replica.step, now
                last = time.perf_counter()  # what a report's reader does with it is no training
        mean = self._mean_cost(replica, 0)
        seconds = replica.seconds + time.perf_counter() - last
        replica.end_epoch()
        return mean, seconds

    def _mean_cost(self, replica: Replica, first: int) -> float:
        """The mean over the steps since `first`, from the device in one transfer. Raises CostNotFinite."""
        costs = replica.costs[first : replica.step]
        mean: float = costs.mean(dtype=torch.float64).item()
        if not math.isfinite(mean):
            place = int((~costs.isfinite()).nonzero()[0])
            raise CostNotFinite(
                f"cost not finite ({costs[place].item()}) at step {first + place + 1} of {self.steps} "
                f"in epoch {replica.epochs + 1}, seed {replica.seed}"
            )
        return mean

    def _device_bytes(self) -> int:
        return torch.cuda.memory_reserved(self.device) if self.device.type == "cuda" else 0

    @torch.no_grad()
    def _evaluate(self, network: nn.Module) -> Evaluation:
        images = self.images
        cost = torch.zeros((), dtype=torch.float64, device=self.device)
        right = torch.zeros((), dtype=torch.int64, device=self.device)
        tops = []
        network.eval()
        for first in range(0, len(images.test), TEST_BATCH):
            x = self._inputs(images.test[first : first + TEST_BATCH], images.test_divisor)
            labels = images.test_labels[first : first + TEST_BATCH]
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
    image = data.test_images[index].float()
    image = image.mean(0) if image.dim() == 3 else image  # channels
    flat = image.flatten()
    if data.pixel_max == 1.0:  # a person's own values may lie anywhere
        flat = (flat - flat.min()) / (flat.max() - flat.min()).clamp_min(1e-30)
    picture = torch.zeros(data.rows * data.columns, dtype=torch.uint8)
    picture[: len(flat)] = (flat * (255 / data.pixel_max)).round().to(torch.uint8)
    return bytes(picture.tolist())


def _prediction(tested: Evaluation, index: int) -> tuple[tuple[int, float], ...]:
    pairs = zip(tested.classes[index].tolist(), tested.probabilities[index].tolist(), strict=True)
    return tuple((number, round(share, 6)) for number, share in pairs if math.isfinite(share))

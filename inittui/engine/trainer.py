"""The training loop of one arm: takes steps, tests and probes the networks, and yields what happens as events.

It knows no process, no file and no terminal. Costs stay on the device between reports, so that no step waits for a transfer.
"""

import math
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence

import torch

from inittui.engine import out_of_memory
from inittui.engine.data.dataset import Dataset
from inittui.engine.data.device_data import DeviceData
from inittui.engine.evaluation import Evaluation, evaluate, test_batch
from inittui.engine.initialisation.initialise import BATCH, initialise
from inittui.engine.networks.build import build
from inittui.engine.networks.layers import Shape, layers
from inittui.engine.networks.random_streams import stream
from inittui.engine.probes import measure
from inittui.engine.probes.schedule import Prober
from inittui.engine.step.replica import Replica
from inittui.engine.step.training_steps import TrainingSteps
from inittui.engine.step.warm_up import choose_kernels
from inittui.engine.training_threads import ReplicaScheduler, run_in_threads
from inittui.engine.watched_example import prediction, sample_event, watched_image
from inittui.experiment.chance import stuck_below
from inittui.experiment.preset import Arm
from inittui.record import events

REPORTS_AT_ONCE = 4  # replicas that report every `report_seconds`; a batch of more reports less often


class CostNotFinite(ArithmeticError):
    """The cost became NaN or infinite. The message names value, step, epoch and seed."""


class Stop(Exception):
    """Raised by `between_steps` to end a training early."""


class Trainer:
    """Trains every replica of an arm, those with the fewest epochs first: mean and spread over the seeds are then up to date.

    On a GPU all replicas are one batch, or a few batches where one does not fit. On a CPU each replica is trained by one
    thread, and `training_threads` of them run at a time.

    `between_steps` is called before every step with the replicas that take it. It returns the seconds that it waited (a
    pause), and may raise `Stop`. During that call, and between two events of `run`, the state of those replicas is
    complete: a snapshot of it can be resumed.
    """

    def __init__(
        self,
        arm: Arm,
        data: Dataset,
        device: torch.device,
        *,
        scale_test: bool = True,
        between_steps: Callable[[Sequence[Replica]], float] = lambda _: 0.0,
        report_seconds: float = 0.1,
        training_threads: int = 1,
        max_batched: int | None = None,
        hand_written: bool = True,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """At most `max_batched` replicas take their steps together: by default all on a GPU, one on a CPU. Without
        `hand_written` autograd trains everything. `prepare` is called in every training thread, where there are several."""
        self.arm = arm
        self.data = data
        self.device = device
        own_network = arm.model.factory is not None
        self.device_data = DeviceData(data, device, scale_test=scale_test, flat=not own_network)
        self.steps = len(self.device_data.train) // arm.training.batch_size  # per epoch
        self.between_steps = between_steps
        self.report_seconds = report_seconds
        self.deviations: list[float] = []  # of the weights of the first replica's layers, as initialised
        self.replicas = [self._replica(seed) for seed in arm.training.seeds]
        self.evaluations: dict[int, Evaluation] = {}  # the latest of each seed
        probed = self.device_data.first(measure.BATCH), self.device_data.train_labels[: measure.BATCH]
        self.prober = Prober(arm, self.replicas[0], *probed)
        self.training_steps = TrainingSteps(arm, self.device_data, hand_written=hand_written)
        if max_batched is None:
            max_batched = len(self.replicas) if device.type == "cuda" else 1
        most = max_batched if self.training_steps.hand_written else 1
        self.scheduler = ReplicaScheduler(self.replicas, arm.training.epochs, most)
        # A user's own network may draw from torch's global stream, which all threads share.
        self.training_threads = 1 if own_network else min(training_threads, len(self.replicas))
        self.active_threads = self.training_threads
        self._threads_lock = threading.Lock()
        self._prepare = prepare
        self._watched = watched_image(arm.training.seeds[0], len(self.device_data.test))

    def _replica(self, seed: int) -> Replica:
        model = self.arm.model
        network = build(model, self.data.shape, len(self.data.classes), seed)
        fitted_to = self.device_data.first(BATCH).cpu()  # the same inputs for every seed
        deviations = initialise(network, self.arm.init, seed, batch=fitted_to, exclude=model.exclude)
        self.deviations = self.deviations or deviations
        costs = torch.zeros(self.steps, device=self.device)
        return Replica(seed, network.to(self.device), stream(seed, "batches"), costs)

    def _evaluate(self, replica: Replica) -> Evaluation:
        return evaluate(replica.network, self.device_data, test_batch(self.arm, math.prod(self.data.shape)))

    def run(self) -> Iterator[events.Event]:
        """Train every replica from its present state to its last epoch. Raises CostNotFinite, Stop, and what torch raises."""
        self.scheduler.release(self.replicas)  # an earlier call may have ended early
        if any(replica.epochs or replica.step for replica in self.replicas):
            yield from self._resume()
        else:
            yield self._begin()
            if (probe := self.prober.attempt(self.replicas[0])) is not None:
                yield probe
        yield sample_event(self.data, self._watched)
        if self.training_threads > 1:
            choose_kernels()
        yield from run_in_threads(self._train, self.training_threads, self._prepare)
        # In the order of the seeds; after a resume they may have been tested in another. A checkpoint may be later than a
        # replica's last test.
        self.evaluations = {
            replica.seed: self.evaluations.get(replica.seed) or self._evaluate(replica) for replica in self.replicas
        }

    def _resume(self) -> Iterator[events.Event]:
        yield events.Restored(places=tuple(replica.position for replica in self.replicas))
        # A checkpoint does not say whether a replica is given up; the test after that epoch says it again.
        for replica in self.replicas:
            if replica.epochs == self.arm.training.stop_stuck and not replica.step:
                self.evaluations[replica.seed] = self._evaluate(replica)
                yield from self._give_up_at_chance(replica)

    def _begin(self) -> events.Begin:
        training, network = self.arm.training, self.replicas[0].network
        shapes = [Shape.of(layer) for _, layer in layers(network)]
        return events.Begin(
            arm=self.arm.name,
            seeds=training.seeds,
            epochs=training.epochs,
            steps=self.steps,
            batch_size=training.batch_size,
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            layers=tuple((shape.fan_in, shape.fan_out) for shape in shapes),
            stds=tuple(events.finite(deviation) for deviation in self.deviations),
        )

    def _train(self) -> Iterator[events.Event]:
        """Epochs of replicas that no other thread trains, until none is left."""
        while group := self.scheduler.acquire():
            try:
                yield from self._epoch(group)
                too_large = False
            except Exception as error:  # of any kind: errors of a lack of memory have no common class
                # The optimizer is the last part of a step, so a step that fails has changed no replica.
                too_large = len(group) > 1 and out_of_memory.explain(error) is not None
                if not too_large:
                    raise
            if too_large:  # outside the handler, where the error no longer keeps the batch alive
                self.scheduler.max_batched = (len(group) + 1) // 2
                self.training_steps.remove(group[0].seed)
                yield events.Stacked(together=self.scheduler.max_batched, seeds=len(self.replicas))
            self.scheduler.release(group)
        with self._threads_lock:
            self.active_threads -= 1

    def _epoch(self, group: list[Replica]) -> Iterator[events.Event]:
        """Train each replica of `group` to the end of its epoch, then test and probe it."""
        train_costs = yield from self._take_steps(group)
        for replica, train_cost in zip(group, train_costs, strict=True):
            seconds = replica.seconds
            replica.end_epoch()
            test_began = time.perf_counter()
            self.evaluations[replica.seed] = evaluation = self._evaluate(replica)
            yield events.Epoch(
                seed=replica.seed,
                epoch=replica.epochs,
                train_cost=train_cost,
                test_cost=events.finite(evaluation.cost),
                test_accuracy=evaluation.accuracy,
                seconds=seconds,
                test_seconds=time.perf_counter() - test_began,
                sample=prediction(evaluation, self._watched),
            )
            if (probe := self.prober.after(replica)) is not None:
                yield probe
            yield from self._give_up_at_chance(replica)

    def _take_steps(self, group: list[Replica]) -> Generator[events.Event, None, list[float]]:
        """Take the steps of the epoch, or those that are left of it. Returns each replica's mean cost over the epoch.

        Training images are shuffled, and the last partial batch is dropped."""
        training_step = self.training_steps.for_group(group)
        training_step.begin_epoch([replica.batches(len(self.device_data.train)) for replica in group])
        for replica in group:
            replica.seed_global_rng(stream(replica.seed, f"noise/{replica.epochs}").initial_seed())
        # A report covers every replica of the group; a large group reports less often.
        interval = max(self.report_seconds, self.report_seconds * len(group) / REPORTS_AT_ONCE)
        reported = group[0].step
        # The first report of a training comes early: a user waits for the first costs.
        due = interval if group[0].epochs or reported else interval / 10
        step_began = reported_at = time.perf_counter()
        while group[0].step < self.steps:
            paused = self.between_steps(group)
            step_began += paused
            reported_at += paused
            if group[0].step == self.steps - 1:
                for replica in group:
                    self.prober.keep_weights(replica)
            training_step.advance()
            now = time.perf_counter()
            for replica in group:
                replica.step += 1
                replica.seconds += (now - step_began) / len(group)
            step_began = now
            if now - reported_at >= due and group[0].step < self.steps:
                yield from self._report(group, reported, now - reported_at)
                reported, reported_at, due = group[0].step, now, interval
                step_began = time.perf_counter()  # the time of whoever consumes the events is not training
        costs = self._mean_costs(group, 0)  # waits for the device
        waited = time.perf_counter() - step_began
        for replica in group:
            replica.seconds += waited / len(group)
        return costs

    def _report(self, group: list[Replica], since: int, seconds: float) -> Iterator[events.Event]:
        """The mean cost of each replica over its steps after `since`, which took `seconds`."""
        images = (group[0].step - since) * self.arm.training.batch_size * len(group)
        for replica, mean in zip(group, self._mean_costs(group, since), strict=True):
            yield events.Progress(
                seed=replica.seed,
                epoch=replica.epochs + 1,
                step=replica.step,
                cost=mean,
                samples_per_second=images / seconds,
                device_bytes=torch.cuda.memory_reserved(self.device) if self.device.type == "cuda" else 0,
            )

    def _mean_costs(self, group: list[Replica], first: int) -> list[float]:
        """Each replica's mean cost over the steps from `first` on, from the device in one transfer. Raises CostNotFinite."""
        costs = torch.stack([replica.costs[first : replica.step] for replica in group])
        means: list[float] = costs.mean(1, dtype=torch.float64).tolist()
        for replica, mean, row in zip(group, means, costs, strict=True):
            if not math.isfinite(mean):
                index = int((~row.isfinite()).nonzero()[0])
                raise CostNotFinite(
                    f"cost not finite ({row[index].item()}) at step {first + index + 1} of {self.steps} "
                    f"in epoch {replica.epochs + 1}, seed {replica.seed}"
                )
        return means

    def _give_up_at_chance(self, replica: Replica) -> Iterator[events.Event]:
        """Stop training `replica` when it is still at chance after `stop_stuck` epochs. It has just been tested."""
        training = self.arm.training
        due = replica.epochs == training.stop_stuck and replica.epochs < training.epochs
        if due and self.evaluations[replica.seed].accuracy < stuck_below(1 / len(self.data.classes)):
            replica.given_up = True
            yield events.AtChance(seed=replica.seed, epoch=replica.epochs)

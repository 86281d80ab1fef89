"""What a person's own network does wrong is found in a trial, before any arm trains, and once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace as changed

from inittui.common.errors import UserCodeError
from inittui.engine import trainer as training
from inittui.engine.evaluation import TEST_BATCH
from inittui.engine.networks import process_settings
from inittui.experiment.preset import Arm, Model
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.schemes.spec import Init
from inittui.supervisor.workers import predictions, worker
from inittui.supervisor.workers.trial import try_arm
from inittui.supervisor.workers.trial_process import tried
from inittui.supervisor.workers.worker import Control, Job
from tests.unit.tiny import CPU, arm, dataset

pytestmark = pytest.mark.usefixtures("one_thread")

DATA = dataset()  # 60 and 23 images
SHAPE = "[16, 1, 4, 4]"

NETWORKS = """
import multiprocessing, os, signal, sys, time
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.first, self.head = nn.Linear(16, 8), nn.Linear(8, classes)

    def forward(self, x):
        return self.head(self.first(x.flatten(1)).relu())

def good(*, inputs, classes): return Net(inputs, classes)

class Tuple(Net):
    def forward(self, x):
        z = super().forward(x)
        return (z, z) if self.training else z

class RaisesInTraining(Net):
    def forward(self, x):
        return super().forward(x.nope if self.training else x)

class Squeezed(Net):
    def forward(self, x):
        return super().forward(x).squeeze()

class Detached(Net):
    def forward(self, x):
        return super().forward(x).detach()

class ExtraState(Net):
    def get_extra_state(self):
        return {"calls": 1}

    def set_extra_state(self, state):
        pass

class TensorState(Net):
    calls = 0

    def get_extra_state(self):
        return torch.tensor(self.calls)

    def set_extra_state(self, state):
        self.calls = int(state)

class SparseBuffer(Net):
    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.register_buffer("mask", torch.eye(3).to_sparse())

class Forgets(Net):
    def load_state_dict(self, *_, **__):
        raise RuntimeError("not my state")

class SparseGradient(Net):
    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.table = nn.Embedding(300, 8, sparse=True)

    def forward(self, x):
        return self.head(self.table(x.flatten(1).long()).mean(1))

class Half(Net):
    def forward(self, x):
        return super().forward(x).bfloat16()

class AllHalf(Net):
    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.bfloat16()

    def forward(self, x):
        return super().forward(x.bfloat16())

class Complex(Net):
    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.first = nn.Linear(16, 8, dtype=torch.complex64)

    def forward(self, x):
        return self.head(self.first(x.flatten(1).to(torch.complex64)).abs())

class Pair(nn.Linear):
    def forward(self, x):
        return super().forward(x), None

class Pairs(Net):  # a probe can't measure it, training can
    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.first = Pair(16, 8)

    def forward(self, x):
        return self.head(self.first(x.flatten(1))[0].relu())

class Norm(Net):
    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.first = nn.Sequential(self.first, nn.BatchNorm1d(8))

class NoGradients(Net):
    def forward(self, x):
        torch.set_grad_enabled(False)
        return super().forward(x)

class Threads(Net):
    def forward(self, x):
        torch.set_num_threads(2)
        return super().forward(x)

class Leaves(Net):
    def forward(self, x):
        return sys.exit("enough") if self.training else super().forward(x)

class Exits(Net):
    def forward(self, x):
        return os._exit(0) if self.training else super().forward(x)

class Dies(Net):
    def forward(self, x):
        return os.kill(os.getpid(), signal.SIGSEGV) if self.training else super().forward(x)

class Killed(Net):
    def forward(self, x):
        return os.kill(os.getpid(), signal.SIGKILL) if self.training else super().forward(x)

class Hangs(Net):
    def forward(self, x):
        time.sleep(1000 if self.training else 0)
        return super().forward(x)

class NoMemory(Net):
    def forward(self, x):
        if self.training:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")
        return super().forward(x)

class NotFinite(Net):
    def forward(self, x):
        return super().forward(x) * (torch.nan if self.training else 1)

class Moody(Net):
    def train(self, mode=True):
        raise ValueError("no modes")

class Forks(Net):
    def forward(self, x):
        child = multiprocessing.get_context("fork").Process(target=int)
        child.start()
        child.join()
        return super().forward(x)

only = Net((1, 4, 4), 3)
def cached(*, inputs, classes): return only

def broken_scheme(weight, bias, *, name, fan_in, fan_out, generator): return weight
def good_scheme(weight, bias, *, name, fan_in, fan_out, generator): weight.normal_(0, 0.1, generator=generator)
"""


@pytest.fixture(autouse=True)
def _as_before() -> Any:
    with process_settings.restored():
        yield


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Arm]:
    path = tmp_path / "nets.py"
    path.write_text(NETWORKS)

    def make(name: str, **settings: Any) -> Arm:
        return changed(arm(**settings), model=Model(factory=f"{path}:{name}"))

    return make


def try_(of: Arm, data: Any = DATA) -> None:
    try_arm(of, data, CPU, scale_test=True)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize(
    "name", ["good", "TensorState", "Half", "AllHalf", "Complex", "Pairs", "Norm", "NotFinite", "cached", "Squeezed"]
)
def test_what_can_be_trained_passes(own: Callable[..., Arm], name: str, optimizer: str) -> None:
    of = own(name, optimizer=optimizer)
    try_(of)
    if name != "NotFinite" and name != "cached":
        trainer = training.Trainer(of, DATA, CPU)
        assert sum(isinstance(event, events.Epoch) for event in trainer.run()) == 2
        assert predictions.encode(trainer.evaluations)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Tuple", f"in training mode, its network made tuple of inputs of shape {SHAPE}; expected logits [16, 3]"),
        ("RaisesInTraining", f"in training mode, given inputs of shape {SHAPE}, its network raised AttributeError: "),
        (
            "Detached",
            "in a step of training, its network raised RuntimeError: element 0 of tensors does not require grad",
        ),
        ("SparseGradient", "in a step of training, its network raised RuntimeError: Adam does not support sparse"),
        (
            "ExtraState",
            "in a checkpoint, its network raised TypeError: 'network/_extra_state' in its state_dict is a dict; "
            "expected a tensor",
        ),
        ("SparseBuffer", "in a checkpoint, its network raised "),
        ("Forgets", "in a checkpoint, its network raised RuntimeError: not my state"),
        ("NoGradients", "in use its network changes torch's gradient mode from True to False, for the whole process; "),
        ("Threads", "in use its network changes torch's number of threads from 1 to 2, for the whole process; "),
        ("Leaves", "in training mode, given inputs of shape"),
    ],
)
def test_a_fault_is_one_line_that_names_file_and_function(own: Callable[..., Arm], name: str, words: str) -> None:
    of = own(name)
    with pytest.raises(UserCodeError) as caught:
        try_(of)
    message = str(caught.value)
    assert message.startswith(f"own network '{of.model.factory}': {words}")
    assert message.isprintable()


@pytest.mark.parametrize(
    ("name", "batch", "tests", "words"),
    [
        ("Squeezed", 1, 23, "in training mode, its network made [3] of inputs of shape [1, 1, 4, 4]; expected logits [1, 3]"),
        ("Squeezed", 16, 1, "its network made [3] of inputs of shape [1, 1, 4, 4]; expected logits [1, 3]"),
        ("Squeezed", 16, TEST_BATCH + 1, "its network made [3] of inputs of shape [1, 1, 4, 4]; expected logits [1, 3]"),
        ("Squeezed", 16, TEST_BATCH + 2, ""),
        ("Squeezed", 60, 2, ""),
        ("Norm", 1, 23, "in training mode, given inputs of shape [1, 1, 4, 4], its network raised ValueError: Expected more"),
        ("Norm", 2, 1, ""),
    ],
)  # fmt: skip
def test_the_batches_of_the_run_are_tried_and_no_others(
    own: Callable[..., Arm], name: str, batch: int, tests: int, words: str
) -> None:
    index = torch.arange(tests) % len(DATA.test_images)
    data = replace(DATA, test_images=DATA.test_images[index], test_labels=DATA.test_labels[index])
    of = own(name, batch_size=batch)
    message = f"own network '{of.model.factory}': " if words else ""
    try:
        try_(of, data)
    except UserCodeError as error:
        message = str(error)
    assert message.startswith(f"own network '{of.model.factory}': {words}" if words else "")
    assert bool(message) == bool(words)


def test_settings_of_an_arm_that_are_no_matter_of_its_code_do_not_fail_a_trial(own: Callable[..., Arm]) -> None:
    for init in ("lsuv", "zeros"):
        try_(changed(own("good", batch_size=1, learning_rate=1e6, seeds=[1, 2], stop_stuck=1), init=Init(init)))


# In forks


def jobs(folder: Path, *arms: Arm) -> list[Job]:
    made = []
    for number, of in enumerate(arms):
        (folder / str(number)).mkdir()
        made.append(Job(of, folder / str(number), 0.0, CPU, 1, True))
    return made


def doubtful(folder: Path, *arms: Arm) -> list[bool]:
    return [job.doubtful for job in tried(jobs(folder, *arms), DATA, lambda: None, on_cpu=True)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Tuple", "in training mode, its network made tuple"),
        ("Moody", "it raised ValueError: no modes (nets.py:"),
        ("Exits", "in a trial of two steps its process ended with exit code 0"),
        ("Dies", "in a trial of two steps its process ended with signal 11 (Segmentation fault)"),
    ],
)
def test_a_run_whose_every_arm_has_a_fault_is_refused_and_told_once(
    own: Callable[..., Arm], tmp_path: Path, name: str, words: str
) -> None:
    first = own(name)
    other = changed(first, name="other", init=Init("zeros"))
    with pytest.raises(UserCodeError) as caught:
        doubtful(tmp_path, first, other)
    assert str(caught.value).startswith(f"own network '{first.model.factory}': {words}")
    assert str(caught.value).count("own network") == 1


@pytest.mark.parametrize("name", ["Killed", "NoMemory"])
def test_a_lack_of_memory_is_told_by_training(own: Callable[..., Arm], tmp_path: Path, name: str) -> None:
    assert doubtful(tmp_path, own(name)) == [False]


def test_a_network_may_start_processes(own: Callable[..., Arm], tmp_path: Path) -> None:
    assert doubtful(tmp_path, own("Forks")) == [False]


def test_arms_without_own_code_are_not_tried_and_each_kind_is_tried_once(
    own: Callable[..., Arm], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def fault(job: Job, *_: object) -> str:
        calls.append(job.arm.name)
        return "" if job.arm.name == "a" else f"fault of {job.arm.name}"

    monkeypatch.setattr("inittui.supervisor.workers.trial_process._fault", fault)
    good, bad = own("good"), own("Tuple")
    own_scheme = changed(arm(), init=Init(f"{tmp_path}/nets.py:good_scheme"), name="scheme")
    seeds = changed(good.training, seeds=(5, 6), learning_rate=0.5)
    arms = [
        arm(),
        changed(good, name="a"),
        changed(good, name="b", init=Init("zeros"), training=seeds),
        changed(bad, name="c"),
        changed(good, name="d", training=changed(good.training, batch_size=2)),
        own_scheme,
        changed(own_scheme, training=seeds),
    ]
    assert doubtful(tmp_path, *arms) == [False, False, False, True, True, True, True]
    assert calls == ["a", "c", "d", "scheme"]


def test_an_arm_with_a_fault_fails_alone_in_the_same_words(own: Callable[..., Arm], tmp_path: Path) -> None:
    made = tried(jobs(tmp_path, own("good"), own("ExtraState")), DATA, lambda: None, on_cpu=True)
    assert [job.doubtful for job in made] == [False, True]
    for job, code in zip(made, (0, 1), strict=True):
        assert worker.work(job, DATA, Control()) == code
    last = list(Tail(made[1].folder / "events.jsonl").poll())[-1]
    assert isinstance(last, events.Failed)
    assert last.reason.endswith("'network/_extra_state' in its state_dict is a dict; expected a tensor")


def test_an_own_scheme_is_tried_too(tmp_path: Path, own: Callable[..., Arm]) -> None:
    own("good")
    of = changed(arm(), init=Init(f"{tmp_path}/nets.py:broken_scheme"))
    with pytest.raises(UserCodeError, match=r"own scheme '.*:broken_scheme': at layer '0' it left a weight"):
        doubtful(tmp_path, of, changed(of, name="again"))


def test_a_stop_is_heard_during_a_trial(own: Callable[..., Arm], tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def check() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        tried(jobs(tmp_path, own("Hangs")), DATA, check, on_cpu=True)


# What fails later


def test_what_fails_beside_training_fails_no_arm(
    own: Callable[..., Arm], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("inittui.supervisor.workers.checkpoints.EVERY_SECONDS", 0.0)

    def broken(*_: object) -> Any:
        raise AttributeError("no such thing")

    monkeypatch.setattr("inittui.engine.probes.schedule.measure", broken)
    monkeypatch.setattr(predictions, "encode", broken)
    (job,) = jobs(tmp_path, own("ExtraState"))
    assert worker.work(job, DATA, Control()) == 0
    logged = list(Tail(job.folder / "events.jsonl").poll())
    assert isinstance(logged[-1], events.Finished)
    assert sum(isinstance(event, events.Epoch) for event in logged) == 2
    printed = capsys.readouterr()
    assert "no checkpoint: 'network/_extra_state' in its state_dict is a dict; expected a tensor" in printed.out
    assert printed.out.count("no probe: Traceback") == 1 + 2
    assert printed.out.count("no predictions: Traceback") == 1

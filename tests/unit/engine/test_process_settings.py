"""What a person's own code changes for the whole process lasts no longer than the call."""

import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from inittui.common.errors import UserCodeError
from inittui.common.user_code_refs import DATA, NETWORK, SCHEME
from inittui.engine.initialisation.init_function import init_
from inittui.engine.networks import process_settings
from inittui.engine.networks.build import build
from inittui.engine.networks.user_code import UserCode
from inittui.experiment.preset import Model

pytestmark = pytest.mark.usefixtures("one_thread")

# One statement per setting that people change at the top of a file.
CHANGES = {
    "threads": "torch.set_num_threads(2)",
    "dtype": "torch.set_default_dtype(torch.float64)",
    "tensor type": "torch.set_default_tensor_type(torch.DoubleTensor)",
    "device": "torch.set_default_device('meta')",
    "a device that is not there": "torch.set_default_device('cuda:99')",
    "gradients": "torch.set_grad_enabled(False)",
    "anomalies": "torch.autograd.set_detect_anomaly(True)",
    "deterministic": "torch.use_deterministic_algorithms(True)",
    "deterministic with warnings": "torch.use_deterministic_algorithms(True, warn_only=True)",
    "denormals": "torch.set_flush_denormal(not torch.finfo(torch.double).tiny / 2 == 0)",
    "products": "torch.set_float32_matmul_precision('medium')",
    "tf32": "torch.backends.cuda.matmul.allow_tf32 = True",
    "cuDNN": "torch.backends.cudnn.benchmark = True; torch.backends.cudnn.enabled = False",
    "warnings": "warnings.simplefilter('error')",
    "NumPy": "numpy.seterr(all='raise')",
    "streams": "random.seed(1); numpy.random.seed(1); torch.manual_seed(1)",
}
HEAD = "import random, warnings, numpy, torch\n"
LAYER = torch.nn.Linear(3, 2)


def state() -> list[Any]:
    streams = random.getstate(), str(numpy.random.get_state(legacy=False)), torch.get_rng_state().tolist()
    return [process_settings.current(), list(warnings.filters), numpy.geterr(), streams]


@pytest.fixture(autouse=True)
def _as_before() -> Any:
    with process_settings.restored():
        yield


def own(tmp_path: Path, statement: str, *, at_import: bool) -> Path:
    """A file with own code of each kind, which executes `statement` when it is imported, or in every function."""
    path = tmp_path / "mine.py"
    path.write_text(
        HEAD + (f"{statement}\n" if at_import else "") + f"def change():\n    {'pass' if at_import else statement}\n"
        "def network(*, inputs, classes):\n    made = torch.nn.Linear(inputs[0], classes)\n    change()\n    return made\n"
        "def scheme(weight, bias, *, name, fan_in, fan_out, generator):\n    weight.fill_(1)\n    change()\n"
        "def data():\n    change()\n    return 1\n"
    )
    return path


CALLS: dict[str, Callable[[Path], object]] = {
    "network": lambda path: build(Model(factory=f"{path}:network"), (3,), 2, 1),
    "scheme": lambda path: init_(LAYER, f"{path}:scheme"),
    "data": lambda path: UserCode.of(f"{path}:data", DATA).call(),
}


@pytest.mark.parametrize("at_import", [True, False], ids=["at import", "in the call"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "change",  # the first call of torch's deterministic mode imports its compiler, for seconds
    [pytest.param(name, marks=[pytest.mark.slow] if name.startswith("deterministic") else []) for name in CHANGES],
)
def test_own_code_leaves_the_process_as_it_was(tmp_path: Path, change: str, call: str, at_import: bool) -> None:
    if change == "streams" and call == "data":
        pytest.skip("its caller restores the streams: test_user_code")
    path = own(tmp_path, CHANGES[change], at_import=at_import)
    before = state()
    CALLS[call](path)
    assert state() == before
    assert torch.zeros(1).dtype == torch.float32


@pytest.mark.parametrize("kind", [NETWORK, SCHEME, DATA], ids=lambda kind: kind.noun)
def test_code_that_raises_leaves_the_process_as_it_was_too(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "raises.py"
    path.write_text(
        HEAD
        + "".join(
            f"{statement}\n" for statement in CHANGES.values() if "cuda" not in statement and "determ" not in statement
        )
        + "1 / 0\n"
    )
    before = state()
    with pytest.raises(kind.error, match="ZeroDivisionError"):
        UserCode.of(f"{path}:f", kind).call()
    assert state() == before


def test_a_setting_that_was_made_before_stays(tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    path = own(tmp_path, "torch.set_default_dtype(torch.float32)", at_import=False)
    init_(torch.nn.Linear(3, 2), f"{path}:scheme")
    assert torch.get_default_dtype() == torch.float64


def test_a_network_of_a_file_that_sets_a_dtype_is_one_for_float32(tmp_path: Path) -> None:
    path = own(tmp_path, "torch.set_default_dtype(torch.float64)", at_import=True)
    network = build(Model(factory=f"{path}:network"), (3,), 2, 1)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    path.write_text(path.read_text() + "def double(**given):\n    return network(**given).double()\n")
    path = path.rename(tmp_path / "double.py")
    with pytest.raises(UserCodeError, match="double': given inputs of shape"):
        build(Model(factory=f"{path}:double"), (3,), 2, 1)

"""A torch without the undocumented parts that the hand-written step calls: autograd trains, and a warning says why."""

import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch

from inittui.engine.step import batched_mlp, torch_private
from inittui.engine.step.batched_mlp import BatchedMLP
from inittui.engine.trainer import Trainer
from tests.unit.tiny import CPU, arm, dataset, epochs, figures


@pytest.fixture(autouse=True)
def _fresh_check() -> Iterator[None]:
    batched_mlp.torch_has_all_kernels.cache_clear()
    yield
    batched_mlp.torch_has_all_kernels.cache_clear()


def test_this_torch_has_them_all() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert BatchedMLP.supports(arm())


def without_backward_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_private, "aten", SimpleNamespace())


def with_another_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(grad_input=torch.ops.aten.elu_backward.grad_input)
    monkeypatch.setattr(torch_private, "aten", SimpleNamespace(threshold_backward=other))


def without_functional_optimizers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_private, "import_module", lambda _name: SimpleNamespace())


@pytest.mark.parametrize("remove", [without_backward_functions, with_another_signature, without_functional_optimizers])
def test_without_one_of_them_autograd_trains_and_a_line_names_torch(
    monkeypatch: pytest.MonkeyPatch, remove: Callable[[pytest.MonkeyPatch], None]
) -> None:
    expected = figures(Trainer(arm(), dataset(), CPU, hand_written=False).run())
    remove(monkeypatch)
    batched_mlp.torch_has_all_kernels.cache_clear()
    with pytest.warns(RuntimeWarning) as caught:
        emitted = list(Trainer(arm(), dataset(), CPU).run())
    assert epochs(emitted)
    assert figures(emitted) == expected
    (line,) = [str(warning.message) for warning in caught]
    assert line.startswith(f"torch {torch.__version__}: the hand-written training step does not work (")
    assert "\n" not in line

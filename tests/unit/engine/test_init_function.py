"""`inittui.init_`: any scheme for any module, as people's own code calls it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import inittui
from inittui.common.errors import InittuiError
from inittui.engine.initialisation.initialise import initialise
from inittui.schemes.spec import Init


def network() -> Any:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 10))


@pytest.mark.parametrize("scheme", ["he_normal", "normal(std=0.01)", "orthogonal", {"name": "normal", "std": 0.5}])
def test_it_fills_as_the_engine_does_and_gives_the_module_back(scheme: Any) -> None:
    ours, theirs = network(), network()
    assert inittui.init_(ours, scheme, seed=3) is ours
    initialise(theirs, Init.of(scheme), 3)
    for one, other in ((0, 0), (3, 3)):
        assert torch.equal(ours[one].weight, theirs[other].weight)
        assert not ours[one].bias.any()
    assert torch.equal(ours[1].weight, torch.ones(4))


def test_the_same_seed_gives_the_same_weights_and_torchs_own_draws_are_left_alone() -> None:
    first, again, other = (inittui.init_(nn.Linear(8, 4), "he_normal", seed=seed).weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    module = nn.Linear(2, 2)
    before = torch.get_rng_state()
    inittui.init_(module, "uniform(bound=1)")
    assert torch.equal(torch.get_rng_state(), before)


def test_training_code_with_another_default_device_and_a_half_precision_module() -> None:
    module = nn.Linear(8, 4, dtype=torch.bfloat16)
    torch.set_default_device("meta")
    try:
        inittui.init_(module, "truncated_normal(std=0.1)")
    finally:
        torch.set_default_device(None)
    expected = inittui.init_(nn.Linear(8, 4), "truncated_normal(std=0.1)").weight
    assert torch.equal(module.weight, expected.to(torch.bfloat16))


def test_a_scheme_of_ones_own_is_found_from_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        "def halves(weight, bias, *, name, fan_in, fan_out, generator):\n    weight.fill_(0.5)\n", "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    assert torch.equal(inittui.init_(nn.Linear(2, 2), "./mine.py:halves").weight, torch.full((2, 2), 0.5))


def test_layers_can_be_left_out_and_lsuv_takes_inputs() -> None:
    module: Any = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    before = module[1].weight.clone()
    inittui.init_(module, "lsuv", inputs=torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), exclude=["1"])
    assert torch.equal(module[1].weight, before)
    assert module[0].weight.any()


@pytest.mark.parametrize(
    ("module", "arguments", "said"),
    [
        (nn.Linear(2, 2), {"scheme": "he_norml"}, "no scheme 'he_norml'. Did you mean 'he_normal'?"),
        (nn.Linear(2, 2), {"scheme": "normal"}, "scheme 'normal' needs std"),
        (nn.Linear(2, 2), {"scheme": "./nowhere.py:f"}, "there is no such file"),
        (nn.Linear(2, 2), {"scheme": "he_normal", "seed": -1}, "seed -1: expected a whole number from 0"),
        (nn.Linear(2, 2), {"scheme": "he_normal", "seed": 1.5}, "seed 1.5: expected a whole number from 0"),
        (nn.Linear(2, 2), {"scheme": "he_normal", "exclude": ["x"]}, 'no layer is called "x"'),
        (nn.Linear(2, 2), {"scheme": "lsuv"}, "fitted to training inputs"),
        (nn.ReLU(), {"scheme": "he_normal"}, "module ReLU has no Linear or Conv layer"),
        (nn.Sequential(nn.LazyLinear(2)), {"scheme": "he_normal"}, "layer '0' has no shape yet"),
        (torch.zeros(2), {"scheme": "he_normal"}, "module: a Tensor; expected a torch.nn.Module"),
    ],
)
def test_what_cant_be_done_is_said_in_a_line(module: nn.Module, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InittuiError) as caught:
        inittui.init_(module, **arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)

"""What each entry point imports, in processes of their own: this process has imported everything."""

import subprocess
import sys

import pytest


def loaded(modules: str, unwanted: tuple[str, ...]) -> list[str]:
    """Which of `unwanted` are there once `modules` have been imported."""
    code = f"import sys, {modules}; print(*sorted(set(sys.modules) & {set(unwanted)}))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return process.stdout.split()


def test_the_watched_packages_would_be_noticed() -> None:
    assert loaded("msgspec", ("msgspec", "torch")) == ["msgspec"]


@pytest.mark.parametrize("module", ["inittui.tui.run_app", "inittui.cli.watch", "inittui.output.lines"])
def test_neither_dashboard_nor_commands_load_torch_or_what_is_as_slow(module: str) -> None:
    assert loaded(module, ("torch", "torchvision", "sklearn", "scipy", "statsmodels", "pandas", "numpy")) == []


def test_the_package_alone_loads_nothing_and_the_result_of_a_run_no_pandas() -> None:
    heavy = ("torch", "textual", "rich", "pandas", "numpy", "msgspec", "scipy", "platformdirs")
    assert loaded("inittui", heavy) == []
    assert loaded("inittui.api.compare", ("torch", "textual", "rich", "pandas", "numpy", "scipy", "statsmodels")) == []


def test_help_loads_nothing_that_people_would_wait_for() -> None:
    code = """
import contextlib, io, sys
from inittui.cli.main import main, names
for command in ("", *names()):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main([*command.split(), "--help"])
print(*sorted({"textual", "msgspec", "rich", "torch", "psutil", "platformdirs", "typing", "pathlib"} & set(sys.modules)))
"""
    loads = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert loads.stdout.split() == []


def test_what_is_trained_by_hand_loads_neither_what_compiles_torch_nor_sympy() -> None:
    """They would take more than a second of every run's start."""
    code = """
import sys, torch
from tests.unit.tiny import CPU, arm, dataset
from inittui.engine.step.warm_up import warm_up
from inittui.engine.trainer import Trainer
def slow():
    return sorted({"torch._dynamo", "sympy"} & set(sys.modules))
warm_up(autograd=False)
for changes in ({}, {"optimizer": "adamw"}, {"optimizer": "sgd", "momentum": 0.9}):
    assert len(list(Trainer(arm(**changes), dataset(), CPU).run())) > 3
print(*slow())
warm_up(autograd=True)
print(*slow())
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    hand_written, with_autograd = process.stdout.split("\n", 1)
    assert not hand_written, process.stderr
    assert "torch._dynamo" in with_autograd  # it would be noticed

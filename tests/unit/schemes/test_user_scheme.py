"""Schemes of a person's own: named and checked without torch, imported and called by the engine alone."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inittui.cli.main import main
from inittui.common import user_code_refs
from inittui.common.errors import PresetError, SchemeError
from inittui.engine.initialisation.initialise import initialise
from inittui.experiment import preset_files
from inittui.experiment.overrides import Overrides
from inittui.experiment.preset_table import build, to_table
from inittui.schemes import user_scheme
from inittui.schemes.describe import listed
from inittui.schemes.spec import Init
from tests.helpers import preset, steady, write_run

SIGNATURE = "(weight, bias, *, name, fan_in, fan_out, generator)"
GOOD = f"""
import torch

calls = []

def my_init{SIGNATURE}:
    calls.append((name, fan_in, fan_out, tuple(weight.shape), torch.is_grad_enabled()))
    weight.normal_(0, 0.5, generator=generator)
    if bias is not None:
        bias += 0.25

def careless{SIGNATURE}:
    torch.nn.init.uniform_(weight)

def returns{SIGNATURE}:
    return torch.zeros_like(weight)

def raises{SIGNATURE}:
    raise ValueError("not\\nthis way")

def infinite{SIGNATURE}:
    weight.zero_()[0] = float("inf")

def bad_bias{SIGNATURE}:
    weight.zero_()
    bias.fill_(float("nan"))

def too_few(weight, bias):
    weight.zero_()

number = 3
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my_scheme.py"
    path.write_text(GOOD)
    return path


def fault(path: Path | str, function: str, network: nn.Module | None = None) -> str:
    """What the engine says of it: one line, that names both."""
    with pytest.raises(SchemeError) as caught:
        initialise(network or nn.Linear(3, 2), Init.of(f"{path}:{function}"), 1)
    message = str(caught.value)
    assert message.startswith(f"own scheme '{path}:{function}': ")
    assert message.isprintable()
    return message


# References, without looking at anything


@pytest.mark.parametrize(
    "text",
    ["./my_scheme.py:my_init", "my_scheme.py:my_init", "/a/b c/my.scheme.py:f", "../x.py:f", "~/x.py:f", "module:f",
     "package.module:f", " ./a.py:f\n"],
)  # fmt: skip
def test_a_reference_is_a_scheme_without_parameters(text: str) -> None:
    assert Init.of(text) == Init(text.strip())
    init = Init.of(text)
    assert init.label == text.strip().rpartition(":")[2]
    assert init.formula == f"own: {text.strip().rpartition(':')[0].rpartition('/')[2]}"
    assert Init.of({"name": text.strip()}) == init


@pytest.mark.parametrize(
    "text",
    ["./my_scheme.py", "./my_scheme.py:", "my_scheme.py", "./my_scheme.py:1st", "./scheme.txt:f", "./a.py:class",
     "./my_scheme.py:my init", "/", "~", "./my_scheme.py:f\0"],
)  # fmt: skip
def test_what_can_only_be_meant_as_one_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(SchemeError) as caught:
        Init.of(text)
    assert "names no function in a Python file: expected ./my_scheme.py:my_init" in str(caught.value)


def test_parameters_of_an_own_scheme_are_refused() -> None:
    with pytest.raises(SchemeError, match="scheme 'f' has no parameter 'gain'; it takes no parameters"):
        Init.of({"name": "./a.py:f", "gain": 2})


@steady
@given(st.from_regex(r"(\.{1,2}/|/|~)?([a-z. ]{0,6}/)?[a-z]{0,6}(\.py)?:?[a-z1 (=)]{0,6}", fullmatch=True))
def test_any_text_like_a_reference_is_one_or_is_refused(text: str) -> None:
    try:
        words = Init.of(text).label
    except SchemeError as error:
        words = str(error)
    assert words.isprintable()


# Presets and the command line


def load(changes: list[str], word: str = "digits") -> list[Init]:
    return [arm.init for arm in preset_files.load(word, Overrides(arms=changes)).arms]


def test_on_the_command_line_a_path_counts_from_the_working_folder(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    assert load(["./my_scheme.py:my_init", "he_normal"])[0] == Init(f"{mine}:my_init")
    assert load([f"{mine}:my_init"]) == [Init(f"{mine}:my_init")]


@pytest.mark.parametrize("init", ['"my_scheme.py:my_init"', '{ name = "./my_scheme.py:my_init" }'])
def test_in_a_preset_a_path_counts_from_the_presets_file(
    mine: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, init: str
) -> None:
    (mine.parent / "mine.toml").write_text(f"[[arms]]\ninit = {init}\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    (own_init,) = load([], str(mine.parent / "mine.toml"))
    assert own_init == Init(f"{mine}:my_init")
    monkeypatch.chdir(mine.parent.parent)
    assert load([], f"{mine.parent.name}/mine.toml") == [own_init]


def test_the_home_folder_is_found(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(mine.parent))
    assert load(["~/my_scheme.py:my_init"]) == [Init(f"{mine}:my_init")]


def test_what_is_not_there_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(PresetError) as caught:
        load(["./nope.py:f", "folder.py:g", "no_such_package.module:h", "~no_such_user/x.py:i", "he_norml"])
    reported = caught.value.faults
    assert len(reported) == 5
    for words in (
        f"--arm: arms[1].init: own scheme '{tmp_path}/nope.py:f': there is no such file; expected a Python file that has a "
        f"function f{SIGNATURE}",
        f"--arm: arms[2].init: own scheme '{tmp_path}/folder.py:g': it is a folder",
        "--arm: arms[3].init: own scheme 'no_such_package.module:h': Python finds no 'no_such_package'; install it",
        "--arm: arms[4].init: own scheme '~no_such_user/x.py:i': its path can't be used",
        "--arm: arms[5].init: no scheme 'he_norml'",
    ):
        assert any(line.startswith(words) for line in reported), words


def test_a_module_is_looked_for_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "explosive_package").mkdir()
    (tmp_path / "explosive_package" / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert load(["explosive_package.part:f"]) == [Init("explosive_package.part:f")]
    assert "explosive_package" not in sys.modules


def test_a_resolved_preset_holds_the_absolute_path_and_is_read_where_the_file_is_not(mine: Path) -> None:
    resolved = preset_files.load("digits", Overrides(arms=[f"{mine}:my_init"]))
    mine.unlink()
    table = to_table(resolved)
    assert table["arms"][0] == {"name": "my_init", "init": f"{mine}:my_init"}
    assert build(table, name="digits", source="preset.toml").arms == resolved.arms


@pytest.mark.parametrize("command", [["report"], ["report", "--format", "csv"], ["replay"], ["runs"]])
def test_nothing_that_reads_a_run_imports_the_scheme(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    marker = tmp_path / "imported"
    explosive = tmp_path / "explosive.py"
    explosive.write_text(f"open({str(marker)!r}, 'w')\n")
    run = write_run(tmp_path / "runs", preset([f"{explosive}:f", "he_normal"]))
    words = [command[0], *([] if command[0] == "runs" else [run.name]), *command[1:]]
    assert main([*words, "--runs-dir", str(tmp_path / "runs")]) == 0
    assert run.name in capsys.readouterr().out or command[0] == "replay"
    assert not marker.exists()


@pytest.fixture
def offered(tmp_path: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs a package that offers these entry points, as pip would."""

    def install(points: str) -> None:
        info = tmp_path / "mine_of_theirs-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-of-theirs\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[inittui.schemes]\n{points}\n")
        mine.rename(tmp_path / "mine_of_theirs.py")
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_an_entry_point_is_a_scheme_by_its_name(offered: Callable[[str], None]) -> None:
    offered("half_he = mine_of_theirs:my_init\nbroken = mine_of_theirs\nzeros = mine_of_theirs:my_init")
    assert user_scheme.installed() == {
        "half_he": user_code_refs.UserFunction("mine_of_theirs", "my_init"),
        "zeros": user_code_refs.UserFunction("mine_of_theirs", "my_init"),
    }
    assert load(["half_he", "zeros"]) == [Init("mine_of_theirs:my_init"), Init("zeros")]
    assert Init.of({"name": "half_he"}).label == "my_init"
    assert listed()[-1].split(maxsplit=1) == ["half_he", "own: mine_of_theirs:my_init"]
    with pytest.raises(SchemeError, match="Did you mean 'half_he'"):
        Init.of("half_hee")
    network = nn.Linear(300, 30)
    initialise(network, Init.of("half_he"), 1)
    assert float(network.weight.detach().std()) == pytest.approx(0.5, rel=0.03)


# The engine


def test_a_function_from_a_file_fills_every_layer(mine: Path) -> None:
    first, second = nn.Linear(20, 30), nn.Linear(30, 8, bias=False)
    network = nn.Sequential(first, nn.ReLU(), second, nn.Conv2d(4, 6, 3, groups=2))
    deviations = initialise(network, Init.of(f"{mine}:my_init"), 1)
    calls = own_calls(mine)
    assert calls == [
        ("0", 20, 30, (30, 20), False),
        ("2", 30, 8, (8, 30), False),
        ("3", 18, 27, (6, 2, 3, 3), False),
    ]
    assert deviations == pytest.approx([0.5] * 3, rel=0.2)
    assert (first.bias == 0.25).all()
    assert [name for name, _ in second.named_parameters()] == ["weight"]
    assert all(parameter.requires_grad for parameter in network.parameters())


def own_calls(path: Path) -> list[tuple[str, int, int, tuple[int, ...], bool]]:
    """What the function noted down in its own module."""
    modules = [m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == str(path)]
    assert len(modules) == 1
    calls: list[tuple[str, int, int, tuple[int, ...], bool]] = modules[0].calls
    return calls


def test_it_draws_the_normals_that_the_catalogue_scales(mine: Path) -> None:
    ours, theirs = nn.Linear(20, 30), nn.Linear(20, 30)
    initialise(ours, Init.of(f"{mine}:my_init"), 3)
    initialise(theirs, Init.of("normal(std=0.5)"), 3)
    assert torch.equal(ours.weight, theirs.weight)


def test_a_seed_repeats_even_what_the_generator_is_not_asked_for(mine: Path) -> None:
    layers = [nn.Linear(5, 5), nn.Linear(5, 5)]
    network = nn.Sequential(*layers)
    state = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        initialise(network, Init.of(f"{mine}:careless"), seed)
        drawn.append([layer.weight.detach().clone() for layer in layers])
        torch.rand(3)
    assert torch.equal(drawn[0][0], drawn[1][0])
    assert not torch.equal(drawn[0][0], drawn[2][0])
    assert not torch.equal(drawn[0][0], drawn[0][1])
    torch.set_rng_state(state)
    initialise(network, Init.of(f"{mine}:careless"), 1)
    assert torch.equal(state, torch.get_rng_state())


def test_excluded_layers_are_not_shown_to_it(mine: Path) -> None:
    network = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5))
    initialise(network, Init.of(f"{mine}:my_init"), 1, exclude=["0"])
    assert [call[0] for call in own_calls(mine)] == ["1"]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("raises", "at layer '' it raised ValueError: not this way"),
        ("returns", "at layer '' it left a weight that is not finite; it has to fill it in place"),
        ("infinite", "at layer '' it left a weight that is not finite"),
        ("bad_bias", "at layer '' it left a bias that is not finite"),
        ("too_few", f"it takes (weight, bias); expected {SIGNATURE}"),
        ("number", "it has no such function; it has my_init, careless, "),
        ("my_int", "it has no such function; it has my_init, careless, "),
    ],
)
def test_a_fault_of_the_function_is_one_line_that_names_it(mine: Path, function: str, words: str) -> None:
    assert words in fault(mine, function)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(:", "importing it raised SyntaxError: "),
        ("import no_such_module", "importing it raised ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "importing it raised SystemExit: 3"),
        ("open('/no/such/file')", "importing it raised FileNotFoundError: "),
        ("", "it has no such function; it has none at all"),
        (None, "there is no such file"),
    ],
)
def test_a_fault_of_the_file_is_one_line_that_names_it(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "a.py").write_text(text)
    assert words in fault(tmp_path / "a.py", "f")


def test_a_module_that_is_not_there_is_reported_by_the_engine_too() -> None:
    assert "importing it raised ModuleNotFoundError" in fault("no_such_package.module", "f")


def test_a_file_finds_what_lies_beside_it_before_what_is_installed_and_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "beside_my_scheme.py").write_text("import json\nVALUE = json.loads('0.75')")
    (tmp_path / "tomli_w.py").write_text("HALF = 0.5")
    (tmp_path / "scanner.py").write_text("raise RuntimeError('not this one')")  # json has one
    (tmp_path / "a.py").write_text(
        "import tomli_w\nfrom beside_my_scheme import VALUE\n"
        f"def f{SIGNATURE}:\n    weight.fill_(VALUE + tomli_w.HALF)\n"
    )
    network = nn.Linear(2, 2)
    initialise(network, Init.of(f"{tmp_path}/a.py:f"), 1)
    assert (network.weight == 1.25).all()
    import tomli_w

    assert callable(tomli_w.dumps)
    assert "beside_my_scheme" not in sys.modules


def test_the_documentations_example_works(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "own-code.md"
    path = tmp_path / "mine.py"
    path.write_text(page.read_text("utf-8").split("```python\n")[1].split("```")[0])
    network = nn.Linear(400, 100)
    initialise(network, Init.of(f"{path}:my_init"), 1)
    assert float(network.weight.detach().std()) == pytest.approx(0.05, rel=0.03)
    assert (network.bias == 0.01).all()

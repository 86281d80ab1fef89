"""The catalogue: formulas, descriptions, and what is typed for a scheme."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inittui.common.errors import SchemeError
from inittui.schemes.catalogue import SCHEMES, scheme
from inittui.schemes.describe import as_variance_scaling, explained, listed
from inittui.schemes.rule import GAINS, gain, truncated_deviation
from inittui.schemes.scheme import Parameter, Scheme, Value
from inittui.schemes.spec import Init, check_parameters
from tests.helpers import steady

PARAMETERS: dict[str, dict[str, Value]] = {
    "orthogonal": {"gain": 1.5},
    "identity": {"gain": 1.5},
    "normal": {"std": 0.02},
    "truncated_normal": {"std": 0.02},
    "uniform": {"bound": 0.3},
    "constant": {"value": -0.25},
}

# Written down once more, from the papers: the catalogue has to agree. `i` and `o` are fan_in and fan_out of a dense layer.
DEVIATIONS: dict[str, Callable[[int, int], float]] = {
    "xavier_normal": lambda i, o: math.sqrt(2 / (i + o)),
    "xavier_uniform": lambda i, o: math.sqrt(6 / (i + o)) / math.sqrt(3),
    "he_normal": lambda i, _: math.sqrt(2 / i),
    "he_uniform": lambda i, _: math.sqrt(6 / i) / math.sqrt(3),
    "lecun_normal": lambda i, _: math.sqrt(1 / i),
    "lecun_uniform": lambda i, _: math.sqrt(3 / i) / math.sqrt(3),
    "variance_scaling": lambda i, _: math.sqrt(1 / i),
    "edge_of_chaos": lambda i, _: math.sqrt(1.76 / i),
    "torch_default": lambda i, _: 1 / math.sqrt(i) / math.sqrt(3),
    "orthogonal": lambda i, o: 1.5 / math.sqrt(max(i, o)),
    "identity": lambda i, o: 1.5 * math.sqrt(min(i, o) / (i * o) - (min(i, o) / (i * o)) ** 2),
    "sparse": lambda i, _: math.sqrt(min(15, i) / i),
    "normal": lambda _i, _o: 0.02,
    "truncated_normal": lambda _i, _o: 0.02 * 0.87962566103423978,
    "uniform": lambda _i, _o: 0.3 / math.sqrt(3),
    "constant": lambda _i, _o: 0.0,
    "zeros": lambda _i, _o: 0.0,
}


def refusal(text: str) -> str:
    with pytest.raises(SchemeError) as caught:
        Init.of(text)
    return str(caught.value)


def test_the_catalogue_holds_these_schemes_and_no_other() -> None:
    assert set(SCHEMES) == {*DEVIATIONS, "lsuv"}
    assert [row.name for row in SCHEMES.values()] == list(SCHEMES)


FAMILY = """
from inittui.schemes.rule import Rule
from inittui.schemes.scheme import Scheme

ORDER = 0
SCHEMES = (
    Scheme(
        name="half_he", rule=lambda p: Rule("normal", fan="fan_in"), formula="std √(1/in)", variance="1 / in",
        short="a test", derived_for="a test of one file", paper="none", torch="none", keras="none", jax="none", gains="none",
    ),
)
"""


def test_a_scheme_is_added_by_one_file(tmp_path: Path) -> None:
    (tmp_path / "dropped_family.py").write_text(FAMILY)
    script = (
        f"from inittui.schemes import families; families.__path__.append({str(tmp_path)!r})\n"
        "from inittui.cli.main import main\n"
        "main(['schemes']); main(['schemes', 'half_he'])\n"
        "from inittui.experiment.preset_files import Overrides, load\n"
        "print(load('digits', Overrides(arms=['half_he'])).arms[0].init.formula)\n"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[0].split(maxsplit=1)[0] == "half_he"
    assert "a test of one file" in shown
    assert shown.endswith("std √(1/in)\n")


@pytest.mark.parametrize("name", DEVIATIONS)
@pytest.mark.parametrize(("fan_in", "fan_out"), [(512, 512), (784, 10), (3, 4096), (1, 1)])
def test_a_schemes_deviation_is_its_formula(name: str, fan_in: int, fan_out: int) -> None:
    deviation = Init(name, PARAMETERS.get(name, {})).rule.std(fan_in, fan_out)
    assert deviation == pytest.approx(DEVIATIONS[name](fan_in, fan_out), rel=1e-12)


def test_what_only_the_data_or_a_person_can_tell_has_no_deviation() -> None:
    assert Init("lsuv").rule.std(512, 512) is None
    assert Init("./mine.py:init").rule.std(512, 512) is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("he_normal(mode=fan_out)", math.sqrt(2 / 10)),
        ("he_normal(slope=1)", math.sqrt(1 / 784)),
        ("he_uniform(mode=fan_out, slope=0.1)", math.sqrt(2 / 1.01 / 10)),
        ("xavier_normal(gain=tanh)", 5 / 3 * math.sqrt(2 / 794)),
        ("variance_scaling(scale=3, mode=fan_avg, distribution=uniform)", math.sqrt(3 / 397)),
        ("variance_scaling(scale=2, mode=fan_out, distribution=truncated_normal)", math.sqrt(2 / 10)),
        ("edge_of_chaos(sigma_w2=2, sigma_b2=0)", math.sqrt(2 / 784)),
        ("sparse(connections=49)", 0.25),
        ("sparse(sparsity=0.75, std=2)", 1.0),
        ("sparse(sparsity=1)", math.sqrt(1 / 784)),  # a unit keeps one
        ("truncated_normal(std=1, cut=10)", 1.0),
        ("orthogonal(gain=relu)", math.sqrt(2 / 784)),
    ],
)
def test_parameters_change_the_deviation_as_they_say(typed: str, expected: float) -> None:
    init = Init.of(typed)
    assert init.rule.std(784, 10) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["xavier_normal", "he_normal", "lecun_normal", "torch_default", "edge_of_chaos"])
def test_the_named_ones_are_parameter_sets_of_variance_scaling(name: str) -> None:
    same = Init.of(as_variance_scaling(Init(name).rule))
    for fans in ((512, 512), (784, 10), (3, 4096)):
        assert same.rule.std(*fans) == pytest.approx(DEVIATIONS[name](*fans), rel=1e-12)


def test_only_schemes_that_define_biases_have_them() -> None:
    assert {row.name for row in SCHEMES.values() if row.bias != "zero"} == {"torch_default", "edge_of_chaos"}
    for row in SCHEMES.values():
        std = {"torch_default": 1 / math.sqrt(3 * 100), "edge_of_chaos": math.sqrt(0.05)}.get(row.name, 0.0)
        assert Init(row.name, PARAMETERS.get(row.name, {})).rule.bias_std(100) == pytest.approx(std)
    assert Init.of("edge_of_chaos(sigma_b2=0.2)").bias == "N(0, 0.2)"


@pytest.mark.parametrize("row", SCHEMES.values(), ids=SCHEMES)
def test_an_entry_has_every_text(row: Scheme) -> None:
    init = Init(row.name, PARAMETERS.get(row.name, {}))
    drawn = (init.formula, init.variance, init.bias)
    for words in (*drawn, row.short, row.derived_for, row.paper, row.torch, row.keras, row.jax, row.gains):
        assert words.strip() == words != ""
        assert words.isprintable()
    for parameter in row.parameters.values():
        assert parameter.meaning
        assert parameter.words or not isinstance(parameter.default, str)


def test_the_catalogue_fits_a_terminal_of_80_columns() -> None:
    assert [line for line in listed() if len(line) > 80] == []
    for name in SCHEMES:
        assert [line for line in explained(name, 80)[:-1] if len(line) > 80] == []


@pytest.mark.parametrize(
    ("typed", "formula"),
    [
        ("xavier_normal", "std √(2/(in+out))"),
        ("xavier_uniform", "U ±√(6/(in+out))"),
        ("he_normal", "std √(2/in)"),
        ("he_uniform", "U ±√(6/in)"),
        ("lecun_normal", "std √(1/in)"),
        ("lecun_uniform", "U ±√(3/in)"),
        ("edge_of_chaos", "std √(1.76/in)"),
        ("sparse", "15 of a unit's, std 1"),
        ("he_normal(mode=fan_out)", "std √(2/out)"),
        ("he_normal(slope=0.1)", "std √(1.98/in)"),
        ("xavier_uniform(gain=2)", "U ±√(24/(in+out))"),
        ("variance_scaling", "std √(1/in), truncated"),
        ("edge_of_chaos(sigma_w2=2.5)", "std √(2.5/in)"),
        ("truncated_normal(std=1, cut=3)", "std fixed, cut at 3 std"),
        ("sparse(sparsity=0.9)", "10 % of a unit's, std 1"),
        ("torch_default", "U ±1/√in, biases too"),
        ("normal(std=0.1)", "std fixed"),
        ("./mine.py:init", "own: mine.py"),
    ],
)
def test_a_panels_formula_is_that_of_its_parameters(typed: str, formula: str) -> None:
    assert Init.of(typed).formula == formula


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("xavier_normal", "2 / (in + out)"),
        ("xavier_uniform", "2 / (in + out)"),
        ("he_normal", "2 / in"),
        ("he_uniform", "2 / in"),
        ("lecun_normal", "1 / in"),
        ("lecun_uniform", "1 / in"),
        ("variance_scaling", "1 / in"),
        ("edge_of_chaos", "1.76 / in"),
        ("torch_default", "1 / (3 in)"),
    ],
)
def test_a_variance_follows_from_the_rule(name: str, variance: str) -> None:
    assert Init(name).variance == variance


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("he_normal", ["0.87962566103423978", "Keras' HeNormal", "JAX's he_normal"]),
        ("truncated_normal", ["absolute, a=-2 and b=2", "multiples of std", "0.8796 std"]),
        ("xavier_normal", ["On square layers (in = out) Xavier and LeCun are the same"]),
        ("lecun_uniform", ["On square layers (in = out) Xavier and LeCun are the same"]),
        ("he_uniform", ["is not what torch.nn.Linear does, though both are called Kaiming", "a=√5"]),
        ("torch_default", ["is not what torch.nn.Linear does, though both are called Kaiming"]),
        ("sparse", ["each column"]),
    ],
)
def test_traps_are_explained(name: str, words: list[str]) -> None:
    text = " ".join(" ".join(explained(name, 80)).split())
    assert [word for word in words if word not in text] == []


def test_the_factor_of_keras_and_jax_is_ours() -> None:
    assert truncated_deviation(2) == pytest.approx(0.87962566103423978, rel=1e-14)


def test_a_gain_is_a_number_or_an_activations_name() -> None:
    assert gain(1.5) == 1.5
    assert gain("tanh") == 5 / 3
    assert GAINS["leaky_relu"] == math.sqrt(2 / (1 + 0.01**2))
    assert Init("orthogonal", {"gain": "relu"}).rule.gain == math.sqrt(2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lecun_normal", ("lecun_normal", {})),
        ("  lecun_normal\n", ("lecun_normal", {})),
        ("lecun_normal()", ("lecun_normal", {})),
        ("he_normal", ("he_normal", {"mode": "fan_in", "slope": 0.0})),
        ("he_normal(mode=fan_out, slope=0.1)", ("he_normal", {"mode": "fan_out", "slope": 0.1})),
        ("he_normal(mode='fan_out')", ("he_normal", {"mode": "fan_out", "slope": 0.0})),
        ("orthogonal(gain=tanh)", ("orthogonal", {"gain": "tanh"})),
        ("constant(value=-1)", ("constant", {"value": -1.0})),
        ("sparse", ("sparse", {"connections": 15.0, "std": 1.0})),
        ("sparse(sparsity=0.9)", ("sparse", {"sparsity": 0.9, "std": 1.0})),
        ("normal(std=0.01)", ("normal", {"std": 0.01})),
        ("normal( std = 1 )", ("normal", {"std": 1.0})),
        ("orthogonal", ("orthogonal", {"gain": 1.0})),
        ("orthogonal(gain=1e-3)", ("orthogonal", {"gain": 0.001})),
    ],
)
def test_a_scheme_is_read_as_a_person_types_it(text: str, expected: tuple[str, dict[str, Value]]) -> None:
    assert Init.of(text) == Init(*expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("he_norml", "no scheme 'he_norml'. Did you mean 'he_normal'?"),
        ("qqqq", "Known: xavier_normal, "),
        ("normal", "needs std (standard deviation of every weight), as in 'normal(std=0.01)'"),
        ("normal(sdt=1)", "has no parameter 'sdt'; it takes std"),
        ("lecun_normal(std=1)", "has no parameter 'std'; it takes no parameters"),
        ("he_normal(mod=fan_out)", "has no parameter 'mod'; it takes mode, slope. Did you mean 'mode'?"),
        (
            "he_normal(mode=fan_aut)",
            "he_normal(mode=fan_aut): expected one of fan_in, fan_out. Did you mean 'fan_out'?",
        ),
        ("he_normal(mode=1)", "he_normal(mode=1): expected one of fan_in, fan_out"),
        (
            "orthogonal(gain=tahn)",
            "a finite number of at least 0, or one of linear, sigmoid, relu, leaky_relu, tanh, selu.",
        ),
        ("orthogonal(gain=tahn)", "Did you mean 'tanh'?"),
        ("orthogonal(gain=gelu.x)", "is no scheme"),
        ("sparse(connections=1.5)", "expected a whole number from 1 to 1,000,000"),
        ("sparse(connections=0)", "expected a whole number from 1"),
        ("sparse(sparsity=2)", "expected a finite number from 0 to 1"),
        ("sparse(connections=3, sparsity=0.5)", "sparse: expected connections or sparsity, and not both"),
        ("truncated_normal", "needs std"),
        ("truncated_normal(std=1, cut=0)", "expected a finite number from 0.1 to 10"),
        ("lsuv(rounds=0)", "expected a whole number from 1 to 1,000"),
        ("normal(0.01)", "is no scheme: expected a name such as he_normal, or normal(std=0.01)"),
        ("normal(std=-1)", "expected a finite number of at least 0"),
        ("normal(std=1e999)", "expected a finite number"),
        ("normal(std=True)", "expected a finite number"),
        ("normal(std='0.01')", "expected a finite number"),
        ("normal(std=nan)", "normal(std=nan): expected a finite number of at least 0"),
        ("normal(std=__import__('os'))", "is no scheme"),
        ("", "is no scheme"),
    ],
)
def test_what_is_no_scheme_is_refused_with_what_was_expected(text: str, words: str) -> None:
    assert words in refusal(text)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, -0.5, True, "1", None, [1.0], 1j, pytest.param(10**400, id="10**400")],
)
def test_a_parameter_that_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(SchemeError, match="std"):
        check_parameters("normal", {"std": value})


def test_a_parameter_given_twice_is_refused() -> None:
    assert "std" in refusal("normal(std=1, std=2)")


@pytest.mark.parametrize(
    "text",
    ["-" * 100_000 + "1", "a." * 10_000 + "b", "(" * 5000, f"normal(std={'-' * 3000}1)"],
    ids=["signs", "attributes", "brackets", "literal"],
)
def test_text_nested_too_deeply_is_refused_like_any_other(text: str) -> None:
    assert "is no scheme" in refusal(text)


def test_a_refusal_warns_of_nothing_beside_its_message(recwarn: pytest.WarningsRecorder) -> None:
    refusal("normal(std='\\d')")
    assert not recwarn.list


likely = st.builds(
    "{}({}={})".format,
    st.sampled_from([*SCHEMES, "he", ""]),
    st.sampled_from(["std", "gain", "bound", "x", "*", "**"]),
    st.one_of(st.floats().map(repr), st.integers().map(str), st.text(max_size=8), st.text(max_size=8).map(repr)),
)


@steady
@given(st.one_of(st.text(), likely))
def test_any_text_is_a_scheme_or_is_refused_in_one_line_that_can_be_printed(text: str) -> None:
    try:
        init = Init.of(text)
        message = ""
    except SchemeError as error:
        message = str(error)
    assert message.isprintable()
    assert message or check_parameters(init.name, init.parameters) == init.parameters


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "normal(std='\x07')", "normal(std='''a\nb''')"])
def test_control_characters_do_not_reach_the_message(text: str) -> None:
    assert refusal(text).isprintable()


def values_of(parameter: Parameter) -> st.SearchStrategy[object]:
    """Everything that it takes, as a person may give it."""
    words = st.sampled_from(parameter.words) if parameter.words else st.nothing()
    if isinstance(parameter.default, str):
        return words
    lowest, highest = max(parameter.minimum, -1e300), min(parameter.maximum, 1e300)
    if parameter.whole:
        return st.integers(int(lowest), int(highest))
    return st.one_of(st.floats(lowest, highest), words)


@st.composite
def chosen(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """A scheme, and parameters that it takes: those that have to be given, and some of the others."""
    row = scheme(draw(st.sampled_from(sorted(SCHEMES))))
    given: dict[str, object] = {}
    for key, parameter in row.parameters.items():
        if parameter.instead_of in given:
            continue
        needed = parameter.default is None and not parameter.instead_of
        if needed or draw(st.booleans()):
            given[key] = draw(values_of(parameter))
    return row.name, given


@steady
@given(chosen())
def test_a_label_is_what_parse_reads(choice: tuple[str, dict[str, object]]) -> None:
    name, given = choice
    parameters = check_parameters(name, given)
    assert Init.of(Init(name, parameters).label) == Init(name, parameters)
    assert Init.of({"name": name, **parameters}) == Init(name, parameters)  # the table of a preset


@steady
@given(chosen())
def test_whatever_the_parameters_there_are_words_and_numbers(choice: tuple[str, dict[str, object]]) -> None:
    init = Init(choice[0], check_parameters(*choice))
    assert init.formula
    assert init.bias
    std = init.rule.std(30, 20)
    assert std is None or std >= 0
    assert explained(init.label, 80)


def test_a_label_leaves_defaults_out() -> None:
    assert Init("orthogonal", {"gain": 1.0}).label == "orthogonal"
    assert Init("orthogonal", {"gain": 2.0}).label == "orthogonal(gain=2)"

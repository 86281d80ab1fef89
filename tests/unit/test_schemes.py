import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inittui.errors import SchemeError
from inittui.schemes import SCHEMES, check_parameters, parse, scheme
from tests.helpers import steady

PARAMETERS = {"orthogonal": {"gain": 1.5}, "normal": {"std": 0.02}, "uniform": {"bound": 0.3}}

# Written down once more, from the papers: the catalogue has to agree.
DEVIATIONS: dict[str, Callable[[int, int], float]] = {
    "xavier_normal": lambda i, o: math.sqrt(2 / (i + o)),
    "xavier_uniform": lambda i, o: math.sqrt(6 / (i + o)) / math.sqrt(3),
    "he_normal": lambda i, _: math.sqrt(2 / i),
    "he_uniform": lambda i, _: math.sqrt(6 / i) / math.sqrt(3),
    "lecun_normal": lambda i, _: math.sqrt(1 / i),
    "lecun_uniform": lambda i, _: math.sqrt(3 / i) / math.sqrt(3),
    "orthogonal": lambda _i, _o: 1.5,
    "normal": lambda _i, _o: 0.02,
    "uniform": lambda _i, _o: 0.3 / math.sqrt(3),
    "torch_default": lambda i, _: 1 / math.sqrt(i) / math.sqrt(3),
    "zeros": lambda _i, _o: 0.0,
}


def refusal(text: str) -> str:
    with pytest.raises(SchemeError) as caught:
        parse(text)
    return str(caught.value)


def test_the_catalogue_holds_these_schemes_and_no_other() -> None:
    assert set(SCHEMES) == set(DEVIATIONS)
    assert [row.name for row in SCHEMES.values()] == list(SCHEMES)


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize(("fan_in", "fan_out"), [(512, 512), (784, 10), (3, 4096), (1, 1)])
def test_a_rows_deviation_is_its_formula(name: str, fan_in: int, fan_out: int) -> None:
    found = scheme(name).std(fan_in, fan_out, PARAMETERS.get(name, {}))
    assert found == pytest.approx(DEVIATIONS[name](fan_in, fan_out), rel=1e-12)


def test_only_schemes_that_define_biases_have_them() -> None:
    assert [row.name for row in SCHEMES.values() if row.uniform_bias] == ["torch_default"]
    assert {row.bias for row in SCHEMES.values() if not row.uniform_bias} == {"zero"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("he_normal", ("he_normal", {})),
        ("  he_normal\n", ("he_normal", {})),
        ("he_normal()", ("he_normal", {})),
        ("normal(std=0.01)", ("normal", {"std": 0.01})),
        ("normal( std = 1 )", ("normal", {"std": 1.0})),
        ("orthogonal", ("orthogonal", {"gain": 1.0})),
        ("orthogonal(gain=1e-3)", ("orthogonal", {"gain": 0.001})),
    ],
)
def test_a_scheme_is_read_as_a_person_types_it(text: str, expected: tuple[str, dict[str, float]]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("he_norml", "no scheme 'he_norml'. Did you mean 'he_normal'?"),
        ("qqqq", "Known: xavier_normal, "),
        ("normal", "needs std (standard deviation of every weight), as in 'normal(std=0.01)'"),
        ("normal(sdt=1)", "has no parameter 'sdt'; it takes std"),
        ("he_normal(std=1)", "has no parameter 'std'; it takes no parameters"),
        ("normal(0.01)", "is no scheme: expected a name such as he_normal, or normal(std=0.01)"),
        ("normal(std=-1)", "expected a finite number of at least 0"),
        ("normal(std=1e999)", "expected a finite number"),
        ("normal(std=True)", "expected a finite number"),
        ("normal(std='0.01')", "expected a finite number"),
        ("normal(std=nan)", "is no scheme"),  # a name, not a literal
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
        name, parameters = parse(text)
        message = ""
    except SchemeError as error:
        message = str(error)
    assert message.isprintable()
    assert message or check_parameters(name, parameters) == parameters


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "normal(std='\x07')", "normal(std='''a\nb''')"])
def test_control_characters_do_not_reach_the_message(text: str) -> None:
    assert refusal(text).isprintable()


@steady
@given(st.sampled_from(sorted(PARAMETERS)), st.integers(0, 999_999), st.integers(-9, 3))
def test_a_label_is_what_parse_reads(name: str, digits: int, exponent: int) -> None:
    parameters = {key: float(f"{digits}e{exponent}") for key in scheme(name).parameters}
    assert parse(scheme(name).label(parameters)) == (name, parameters)


def test_a_label_leaves_defaults_out() -> None:
    assert scheme("orthogonal").label({"gain": 1.0}) == "orthogonal"
    assert scheme("orthogonal").label({"gain": 2.0}) == "orthogonal(gain=2)"

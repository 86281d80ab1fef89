"""`inittui schemes`."""

import pytest

from inittui.schemes.catalogue import SCHEMES
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("nothing_starts")


def test_schemes_are_listed_with_formula_and_purpose(call: Call) -> None:
    code, out, err = call("schemes")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "--arm ./my_scheme.py:my_init" in lines[-1]
    for line, row in zip(lines, SCHEMES.values(), strict=False):
        assert line.startswith(row.name)
        assert row.formula in line
        assert line.endswith(row.short)
        assert len(line) <= 80


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("he_normal", ["std √(2/in)", "He, Zhang, Ren and Sun 2015", "kaiming_normal_", "inittui --arm he_normal "]),
        ("he_normal(mode=fan_out)", ["std √(2/out)", "--arm 'he_normal(mode=fan_out)'"]),
        ("normal(std=0.1)", ["standard deviation of every weight; has to be given", "--arm 'normal(std=0.1)'"]),
        ("normal", ["has to be given", "--arm 'normal(std=0.01)'"]),
        ("orthogonal", ["gain", "default 1", "inittui --arm orthogonal "]),
        ("torch_default", ["U(±1/√in)"]),
    ],
)
def test_a_scheme_is_explained(call: Call, typed: str, words: list[str]) -> None:
    code, out, err = call("schemes", typed)
    assert (code, err) == (0, "")
    assert out.startswith(f"{typed}\n")
    assert [word for word in words if word not in out] == []

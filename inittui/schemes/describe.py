"""The catalogue in words: the lines of `inittui schemes` and `inittui schemes NAME`."""

import shlex
import textwrap
from pathlib import Path

from inittui.common import formatting, user_code_refs
from inittui.common.user_code_refs import SCHEME
from inittui.schemes import formulas, user_scheme
from inittui.schemes.catalogue import SCHEMES, scheme
from inittui.schemes.init import Init
from inittui.schemes.scheme import Parameter

INDENT = 13  # where the words of an explanation begin


def listed() -> list[str]:
    """A line a scheme, of at most 80 columns: name, formula, what it is for."""
    width = max(len(name) for name in SCHEMES)
    formula_width = max(len(row.formula) for row in SCHEMES.values())
    lines = [f"{name:<{width}}  {row.formula:<{formula_width}}  {row.short}" for name, row in SCHEMES.items()]
    installed = {name: found for name, found in user_scheme.installed().items() if name not in SCHEMES}
    return lines + [f"{name:<{width}}  own: {found}" for name, found in installed.items()]


def explained(typed: str, width: int) -> list[str]:
    """All that is known of the scheme that was typed, in lines of `width` columns. Raises SchemeError, also for an own
    one that is not there."""
    typed = typed.strip()
    # A name alone is enough to ask about a scheme that can't be used without parameters.
    init = Init(typed) if typed in SCHEMES else Init.of(typed)
    row = scheme(init.name)
    if (found := user_code_refs.named(init.name)) is not None:
        user_code_refs.check(user_code_refs.absolute(found, Path.cwd(), SCHEME), SCHEME)
    complete = all(key in row.complete(init.parameters) for key, p in row.parameters.items() if not p.instead_of)
    known = row.complete(init.parameters) if complete else {}
    told = [
        ("weights", row.formula_of(known) if complete else row.formula),
        ("variance", row.variance_of(known) if complete else row.variance),
        ("biases", row.bias_of(known) if complete else row.bias),
        ("for", row.derived_for),
        ("paper", row.paper),
        ("gains", row.gains),
        ("PyTorch", row.torch),
        ("Keras", row.keras),
        ("JAX", row.jax),
    ]
    if complete and init.name != "variance_scaling" and (same := formulas.as_variance_scaling(row.rule(known))):
        told.append(("weights as", same))
    lines = [row.label(init.parameters), ""]
    for title, words in told:
        lines += _entry(title, words, width)
    if row.parameters:
        lines += ["", "  takes"]
        for key, parameter in row.parameters.items():
            lines += _entry(f"  {key}", _parameter(parameter), width, max(map(len, row.parameters)) + 6)
    if row.notes:
        lines += ["", "  good to know"]
        for note in row.notes:
            lines += _wrapped("  - ", note, width, 4)
    other = "xavier_uniform" if init.name == "he_uniform" else "he_uniform"
    return [*lines, "", f"  inittui --arm {shlex.quote(_example(init))} --arm {other}"]


def _entry(title: str, words: str, width: int, indent: int = INDENT) -> list[str]:
    return _wrapped(f"  {title}".ljust(indent), words, width, indent)


def _wrapped(head: str, words: str, width: int, indent: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=head,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _parameter(parameter: Parameter) -> str:
    if parameter.instead_of:
        default = f"instead of {parameter.instead_of}"
    elif parameter.default is None:
        default = "has to be given"
    else:
        value = parameter.default
        default = f"default {value if isinstance(value, str) else formatting.number(value)}"
    return f"{parameter.meaning}; {default} ({parameter.expected})"


def _example(init: Init) -> str:
    row = scheme(init.name)
    missing = [
        f"{key}={parameter.example}"
        for key, parameter in row.parameters.items()
        if parameter.default is None and not parameter.instead_of and key not in init.parameters
    ]
    if missing:
        return f"{init.name}({', '.join(missing)})"
    return init.name if row.title else row.label(init.parameters)

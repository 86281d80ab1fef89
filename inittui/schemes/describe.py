"""What `inittui schemes` and `inittui schemes NAME` print."""

import shlex
import textwrap
from pathlib import Path

from inittui.common import formatting
from inittui.common.user_code_refs import SCHEME, absolute, check, named
from inittui.schemes import user_scheme
from inittui.schemes.catalogue import SCHEMES, scheme
from inittui.schemes.rule import CUT, Rule
from inittui.schemes.scheme import Parameter
from inittui.schemes.spec import Init


def listed() -> list[str]:
    """One line per scheme, at most 80 columns: name, formula, what it is for."""
    width = max(len(name) for name in SCHEMES)
    drawn = {name: Init.of(entry.example).formula for name, entry in SCHEMES.items()}
    drawn_width = max(map(len, drawn.values()))
    lines = [f"{name:<{width}}  {drawn[name]:<{drawn_width}}  {entry.short}" for name, entry in SCHEMES.items()]
    installed = user_scheme.installed().items()
    return lines + [f"{name:<{width}}  own: {own}" for name, own in installed if name not in SCHEMES]


def explained(typed: str, width: int) -> list[str]:
    """The whole entry of the scheme that was typed, in lines of `width` columns. Raises SchemeError, also for a user's own
    scheme that does not exist."""
    typed = typed.strip()
    # A name alone is enough here, even if the scheme has required parameters.
    init = Init.of(SCHEMES[typed].example if typed in SCHEMES else typed)
    entry = scheme(init.name)
    if (own := named(init.name)) is not None:
        check(absolute(own, Path.cwd(), SCHEME), SCHEME)
    facts = [
        ("weights", init.formula),
        ("variance", init.variance),
        ("biases", init.bias),
        ("for", entry.derived_for),
        ("paper", entry.paper),
        ("gains", entry.gains),
        ("PyTorch", entry.torch),
        ("Keras", entry.keras),
        ("JAX", entry.jax),
    ]
    same = as_variance_scaling(init.rule)
    if same and init.name != "variance_scaling":
        facts.append(("weights as", same))
    lines = [typed if typed in SCHEMES else init.label, ""]
    for title, words in facts:
        lines += _wrapped(f"  {title}", words, width)
    if entry.parameters:
        lines += ["", "  takes"]
        for key, parameter in entry.parameters.items():
            lines += _wrapped(f"    {key}", _parameter(parameter), width, max(map(len, entry.parameters)) + 6)
    if entry.notes:
        lines += ["", "  good to know"]
        for note in entry.notes:
            lines += _wrapped("  - ", note, width, 4)
    other = "xavier_uniform" if init.name == "he_uniform" else "he_uniform"
    return [*lines, "", f"  inittui --arm {shlex.quote(init.name if entry.title else init.label)} --arm {other}"]


def as_variance_scaling(rule: Rule) -> str:
    """The same weights as `variance_scaling` with parameters, as it is typed; "" if it can't draw them."""
    if rule.fan is None or (rule.distribution == "truncated_normal" and rule.cut != CUT):
        return ""
    scale = formatting.number(rule.gain * rule.gain * rule.scale)
    return f"variance_scaling(scale={scale}, mode={rule.fan}, distribution={rule.distribution})"


def _wrapped(head: str, words: str, width: int, indent: int = 13) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=head.ljust(indent),
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

"""A user's own scheme: a function in a file or a module, named by a reference; see docs/own-code.md.

Nothing here imports that function. An installed package can offer schemes by a plain name, as entry points.
"""

from inittui.common.user_code_refs import SCHEME, UserFunction, named
from inittui.schemes.rule import Rule
from inittui.schemes.scheme import Scheme


def installed() -> dict[str, UserFunction]:
    """The schemes that installed packages offer, by name, from the packages' metadata; none of them is imported."""
    from importlib.metadata import entry_points

    points = entry_points(group="inittui.schemes")
    offered = {point.name: named(point.value.partition("[")[0].strip()) for point in points}
    return {name: own for name, own in sorted(offered.items()) if own is not None}


def entry(own: UserFunction) -> Scheme:
    """The entry of a user's own scheme: what is known without importing it."""
    return Scheme(
        name=str(own),
        title=own.function,
        rule=lambda p: Rule("own"),
        formula=f"own: {own.short}",
        variance="what it draws: the deviation of each layer is measured",
        short="your own",
        derived_for=f"your purpose: the function {own.function}{SCHEME.signature}",
        paper="yours",
        gains="what the function does",
        bias="its own",
        notes=(
            "It is called for every Linear and Conv layer, in order, and fills weight (full of NaN before) and bias (full of "
            "zeros before, or None) in place.",
            "Draw from generator, as in weight.normal_(0, 0.1, generator=generator): the same seed then gives the same "
            "weights, and the normals are the draws that he_normal and the others scale.",
            "Training imports the file; showing a run never does.",
        ),
    )

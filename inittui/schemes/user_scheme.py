'''A user's own scheme: a function in a file or a module, named by a reference. Nothing here imports it.

A scheme of your own is a function that fills one layer:

    # my_scheme.py
    import math

    def my_init(weight, bias, *, name, fan_in, fan_out, generator):
        """Half of He's variance, and small positive biases."""
        weight.normal_(0, math.sqrt(1 / fan_in), generator=generator)
        if bias is not None:
            bias.fill_(0.01)

`--arm ./my_scheme.py:my_init` uses it, and in a preset `init = "./my_scheme.py:my_init"`. `package.module:my_init` names a
function on Python's path. A plain name is enough if an installed package has an entry point for it:

    [project.entry-points."inittui.schemes"]
    my_name = "package.module:my_init"

The function is called once for every Linear and Conv layer, in order, without gradients:

- `weight`: a tensor of the layer's shape ([out, in], or [out, in / groups, *kernel]). The function fills it *in place*. It is
  full of NaN before, so that a weight that is not filled is detected
- `bias`: full of zeros; the function may fill it in place. None if the layer has no bias
- `name`: the layer's name in the network, such as "4" or "features.0"
- `fan_in`, `fan_out`: the number of weights that feed one output, and the number that one input feeds
- `generator`: the layer's own random stream. The same seed gives the same draws; a normal drawn from it is the draw that
  he_normal and the others scale

A path in a preset is relative to the preset's file, on the command line to the working folder. Training with a preset that
names a scheme of your own runs that file: read presets that you did not write. Showing a run never imports it.
'''

from inittui.common.user_code_refs import SCHEME, UserFunction, named
from inittui.schemes.rule import Rule
from inittui.schemes.scheme import Scheme

GROUP = "inittui.schemes"  # of entry points


def installed() -> dict[str, UserFunction]:
    """The schemes that installed packages offer, by name, from the packages' metadata; none of them is imported."""
    from importlib.metadata import entry_points

    offered = {point.name: named(point.value.partition("[")[0].strip()) for point in entry_points(group=GROUP)}
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
        torch="none",
        keras="none",
        jax="none",
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

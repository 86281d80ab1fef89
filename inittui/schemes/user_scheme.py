'''A person's own scheme: a function in a file or a module, named by a reference. Nothing here imports it.

A scheme of your own is a function that fills one layer:

    # my_scheme.py
    import math

    def my_init(weight, bias, *, name, fan_in, fan_out, generator):
        """Half of He's variance, and small positive biases."""
        weight.normal_(0, math.sqrt(1 / fan_in), generator=generator)
        if bias is not None:
            bias.fill_(0.01)

`--arm ./my_scheme.py:my_init`, or in a preset `init = "./my_scheme.py:my_init"`, uses it; so does `package.module:my_init`
for what is on Python's path, and a plain name for what an installed package offers as an entry point:

    [project.entry-points."inittui.schemes"]
    my_name = "package.module:my_init"

The function is called once for every Linear and Conv layer, in order, without gradients:

- `weight`: a tensor of the layer's shape ([out, in], or [out, in / groups, *kernel]), to be filled *in place*; it comes full
  of NaN, so that forgetting it is noticed
- `bias`: to be filled in place as well, or left alone, since it comes full of zeros; None where the layer has none
- `name`: the layer's name in the network, such as "4" or "features.0"
- `fan_in`, `fan_out`: how many weights feed one output, and how many one input feeds
- `generator`: the layer's own stream of random numbers. Whoever draws from it gets the same weights for the same seed, and a
  normal drawn from it is the very one that he_normal and the others scale

A path in a preset counts from the preset's file, on the command line from the working folder. A preset that names a scheme
of your own runs that file: read those that you did not write. Watching or reading a run never imports it.
'''

from inittui.common.user_code_refs import SCHEME, Own, named
from inittui.schemes.rule import Rule
from inittui.schemes.scheme import Scheme

GROUP = "inittui.schemes"  # of entry points


def installed() -> dict[str, Own]:
    """The own schemes that installed packages offer, by name, from their metadata: none of them is imported."""
    from importlib.metadata import entry_points

    found = {point.name: named(point.value.partition("[")[0].strip()) for point in entry_points(group=GROUP)}
    return {name: own for name, own in sorted(found.items()) if own is not None}


def row(own: Own) -> Scheme:
    """The row of an own scheme, in the words that are known without looking into it."""
    return Scheme(
        name=str(own),
        title=own.function,
        rule=lambda p: Rule("own"),
        formula=f"own: {own.short}",
        variance="what it draws: the deviation of each layer is measured",
        short="your own",
        derived_for=f"what you had in mind: the function {own.function}{SCHEME.signature}",
        paper="yours",
        torch="none",
        keras="none",
        jax="none",
        gains="what the function does",
        bias="its own",
        notes=(
            "It is called for every Linear and Conv layer, in order, and fills weight (which comes full of NaN) and bias "
            "(which comes full of zeros, or is None) in place.",
            "Draw from generator, as in weight.normal_(0, 0.1, generator=generator): the same seed then gives the same "
            "weights, and the normals are the very ones that he_normal and the others scale.",
            "Running it imports the file; watching or reading a run never does.",
        ),
    )

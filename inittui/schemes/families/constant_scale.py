"""Schemes whose scale does not depend on the layer's size, and two controls: constant and zeros."""

import math

from inittui.schemes.rule import CUT, Rule, truncated_deviation
from inittui.schemes.scheme import Parameter, Scheme

ORDER = 3  # of the families in lists

RUMELHART = "Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors"

NO_GAIN = "none: the given scale is used for every activation"

SCHEMES = (
    Scheme(
        name="normal",
        rule=lambda p: Rule("normal", gain=float(p["std"])),
        formula="std fixed",
        variance="std², for every layer size",
        short="nothing: the habit before 2010",
        derived_for="nothing: the habit before 2010, kept here to show what a fixed scale does with depth and width",
        paper="Krizhevsky, Sutskever and Hinton 2012, ImageNet classification with deep CNNs, section 5, used std=0.01",
        torch="nn.init.normal_",
        keras="RandomNormal (std 0.05 unless given)",
        jax="normal (std 0.01 unless given)",
        gains=NO_GAIN,
        parameters={"std": Parameter("standard deviation of every weight")},
    ),
    Scheme(
        name="truncated_normal",
        rule=lambda p: Rule(
            "truncated_normal", gain=float(p["std"]) * truncated_deviation(float(p["cut"])), cut=float(p["cut"])
        ),
        variance="0.774 std² (deviation 0.880 std) at cut=2",
        short="nothing: a fixed scale, no tails",
        derived_for="nothing: a fixed scale without outliers, the habit of TensorFlow and of vision transformers (std=0.02)",
        paper="common practice: TensorFlow's tutorials, ViT, BERT",
        torch="nn.init.trunc_normal_(std=s, a=-2*s, b=2*s)",
        keras="TruncatedNormal (std 0.05 unless given)",
        jax="truncated_normal (std 0.01 unless given)",
        gains=NO_GAIN,
        parameters={
            "std": Parameter("standard deviation of the normal before its tails are cut", example="0.02"),
            "cut": Parameter("where they are cut, in units of std", CUT, 0.1, 10.0),
        },
        notes=(
            "std is that of the normal before the cut, as in Keras and JAX: at cut=2 the weights have a deviation of 0.8796 "
            "std. variance_scaling divides by 0.87962566103423978, as do HeNormal and the others in Keras and JAX.",
            "The bounds of torch's trunc_normal_ are absolute, a=-2 and b=2 for every std: with std=0.02 they cut nothing "
            "(100 std). Here, in Keras and in JAX they are multiples of std.",
        ),
    ),
    Scheme(
        name="uniform",
        rule=lambda p: Rule("uniform", gain=float(p["bound"]) / math.sqrt(3)),
        formula="U ±bound",
        variance="bound² / 3, for every layer size",
        short="nothing: a fixed scale",
        derived_for="nothing: a fixed scale, as in many first networks",
        paper="common practice",
        torch="nn.init.uniform_(a=-bound, b=bound); its default is 0 to 1",
        keras="RandomUniform (bound 0.05 unless given)",
        jax="uniform draws from 0 to scale, never below 0",
        gains=NO_GAIN,
        parameters={"bound": Parameter("largest absolute weight")},
    ),
    Scheme(
        name="constant",
        rule=lambda p: Rule("constant", gain=float(p["value"])),
        formula="all value",
        variance="0",
        short="nothing: a control, as zeros is",
        derived_for="nothing: all units of a layer get the same gradient and stay equal, so a layer acts as one unit",
        paper=f"{RUMELHART}: random weights break the symmetry",
        torch="nn.init.constant_",
        keras="Constant",
        jax="constant",
        gains="none: it has no deviation to scale",
        parameters={"value": Parameter("every weight", minimum=-math.inf)},
    ),
    Scheme(
        name="zeros",
        rule=lambda p: Rule("constant", gain=0.0),
        formula="all 0",
        variance="0",
        short="nothing: a control, never learns",
        derived_for="nothing: a control. All units of a layer stay equal, so the network cannot learn",
        paper=f"{RUMELHART}: random weights break the symmetry",
        torch="nn.init.zeros_",
        keras="Zeros",
        jax="zeros",
        gains="none: zero times anything is zero",
    ),
)

"""Schemes that draw a matrix as a whole: orthogonal, identity, sparse, and LSUV, which is fitted to the data."""

from inittui.schemes.rule import Rule, UnitVariance, gain
from inittui.schemes.scheme import GAIN, GAIN_NAMES, Parameter, Parameters, Scheme

ORDER = 2  # of the families in lists


def _sparse(p: Parameters) -> Rule:
    if "sparsity" in p:
        return Rule("sparse", gain=float(p["std"]), share=1 - float(p["sparsity"]))
    return Rule("sparse", gain=float(p["std"]), kept=int(float(p["connections"])))


SCHEMES = (
    Scheme(
        name="orthogonal",
        rule=lambda p: Rule("orthogonal", gain=gain(p["gain"])),
        formula="gain · orthonormal",
        variance="gain² / max(in, out)",
        short="deep linear and tanh networks",
        derived_for="deep linear networks, and tanh at the edge of chaos: every singular value is the gain",
        paper="Saxe, McClelland and Ganguli 2014, Exact solutions to the nonlinear dynamics of learning in deep linear "
        "networks; for tanh Pennington, Schoenholz and Ganguli 2017, Resurrecting the sigmoid in deep learning through "
        "dynamical isometry",
        torch="nn.init.orthogonal_",
        keras="Orthogonal",
        jax="orthogonal",
        gains=f"by name: {GAIN_NAMES}",
        parameters={"gain": GAIN},
        notes=(
            "For deep tanh networks without biases the critical gain is 1; 5/3 is torch's rule of thumb and saturates them.",
            "A rectangular layer has orthonormal rows or columns, whichever are fewer; a convolution's kernel is one matrix "
            "[out, in · taps], and with groups each group has its own.",
        ),
    ),
    Scheme(
        name="identity",
        rule=lambda p: Rule("identity", gain=gain(p["gain"])),
        formula="gain · identity",
        variance="gain² (1 − 1/max(in, out)) / max(in, out)",
        short="recurrent ReLU, residual branches",
        derived_for="recurrent ReLU networks: at the start every layer outputs its input",
        paper="Le, Jaitly and Hinton 2015, A simple way to initialize recurrent networks of rectified linear units",
        torch="nn.init.eye_; for convolutions nn.init.dirac_",
        keras="Identity (dense only)",
        gains=f"1 for linear, and for relu after inputs that are not negative; by name: {GAIN_NAMES}",
        parameters={"gain": GAIN},
        notes=(
            "A rectangular layer has ones on the diagonal and drops or zeroes the rest; a convolution has them in the middle "
            "of its kernel (Dirac).",
            "Nothing is random: every seed starts from the same weights, and units of equal inputs stay equal.",
        ),
    ),
    Scheme(
        name="sparse",
        rule=_sparse,
        variance="std² connections / in",
        short="sigmoid and tanh, wide layers",
        derived_for="sigmoid and tanh in wide layers: a unit with few inputs neither saturates nor resembles its neighbours",
        paper="Martens 2010, Deep learning via Hessian-free optimization",
        torch="nn.init.sparse_(sparsity), std 0.01",
        gains="std 1: sigmoid. For tanh Sutskever et al. 2013 take std 0.25, and biases of 0.5",
        parameters={
            "connections": Parameter("how many weights of a unit are not 0", 15.0, 1, 1e6, whole=True, example="15"),
            "sparsity": Parameter(
                "the share of a unit's weights that are 0", None, 0, 1, instead_of="connections", example="0.9"
            ),
            "std": Parameter("standard deviation of the weights that are not 0", 1.0),
        },
        notes=(
            "torch's sparse_ zeroes a share of each column, in nn.Linear the weights that one input feeds; the paper and "
            "this scheme limit the weights that feed one unit.",
            "A layer with fewer inputs than connections is dense; at least one weight of a unit is kept.",
        ),
    ),
    Scheme(
        name="lsuv",
        rule=lambda p: Rule("orthogonal", target=UnitVariance(float(p["tolerance"]), int(float(p["rounds"])))),
        formula="orthonormal, var(z) → 1",
        variance="measured: what makes the layer's output have variance 1",
        short="any: fitted to the data",
        derived_for="any activation: it has no formula but measures, layer by layer, on a batch of training inputs",
        paper="Mishkin and Matas 2015, All you need is a good init, algorithm 1",
        gains="none needed: the effect of the activation is measured",
        parameters={
            "tolerance": Parameter("how far from 1 the variance may stay", 0.1, 0.0, 1.0),
            "rounds": Parameter("largest number of times a layer is scaled", 10.0, 1, 1000, whole=True),
        },
        notes=(
            "The batch is the first 1,000 training inputs, the same for every seed; the variance is over inputs and units.",
            "The last layer is scaled like the others, so the first logits have variance 1.",
        ),
    ),
)

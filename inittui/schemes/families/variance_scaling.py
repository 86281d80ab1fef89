"""Schemes whose variance depends on the layer's size: parameter sets of Var(w) = gain² · scale / fan."""

import math
from typing import cast

from inittui.schemes.rule import Distribution, Fan, Rule, gain, rectifier_scale
from inittui.schemes.scheme import GAIN, GAIN_NAMES, Parameter, Scheme

ORDER = 1  # of the families in lists

GLOROT = "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks"
HE = "He, Zhang, Ren and Sun 2015, Delving deep into rectifiers"
LECUN = "LeCun, Bottou, Orr and Müller 1998, Efficient backprop"

FANS = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("normal", "truncated_normal", "uniform")

TRUNCATED = (
    "{keras} and {jax} draw a normal cut at ±2 std and divide by 0.87962566103423978, so the deviation is the same and only "
    "the tails differ. variance_scaling does this with distribution=truncated_normal."
)
SQUARE = "On square layers (in = out) Xavier and LeCun are the same: 2/(in+out) = 1/in."
TWO_KAIMINGS = (
    "he_uniform is not what torch.nn.Linear does, though both are called Kaiming: the default has a=√5, so its variance is "
    "1/(3 in), a sixth of 2/in (torch_default)."
)
HE_PARAMETERS = {
    "mode": Parameter("fan_in keeps the signal's size, fan_out the gradient's", "fan_in", words=FANS[:2]),
    "slope": Parameter("the activation's slope below zero: 0 for ReLU, 0.01 for torch's LeakyReLU", 0.0),
}
HE_GAINS = "√2 is built in, for relu; slope=a makes it √(2/(1+a²)), for leaky_relu"
HE_MODES = (
    "fan_in or fan_out: no difference that grows with depth (He et al. 2015, section 2.2), none on square layers."
)

SCHEMES = (
    Scheme(
        name="xavier_normal",
        rule=lambda p: Rule("normal", gain=gain(p["gain"]), fan="fan_avg"),
        short="linear units, tanh near zero",
        derived_for="linear units and tanh near zero: a compromise between keeping the signal and keeping the gradient",
        paper=f"{GLOROT}, eq. 12",
        torch="nn.init.xavier_normal_",
        keras="GlorotNormal (truncated)",
        jax="glorot_normal (truncated)",
        gains=f"the paper has none; by name: {GAIN_NAMES}",
        parameters={"gain": GAIN},
        notes=(TRUNCATED.format(keras="Keras' GlorotNormal", jax="JAX's glorot_normal"), SQUARE),
    ),
    Scheme(
        name="xavier_uniform",
        rule=lambda p: Rule("uniform", gain=gain(p["gain"]), fan="fan_avg"),
        short="linear units, tanh near zero",
        derived_for="linear units and tanh near zero; the paper's own 'normalized initialization'",
        paper=f"{GLOROT}, eq. 16",
        torch="nn.init.xavier_uniform_",
        keras="GlorotUniform (the default of Dense)",
        jax="glorot_uniform",
        gains=f"the paper has none; by name: {GAIN_NAMES}",
        parameters={"gain": GAIN},
        notes=(SQUARE,),
    ),
    Scheme(
        name="he_normal",
        rule=lambda p: Rule("normal", scale=rectifier_scale(float(p["slope"])), fan=cast("Fan", p["mode"])),
        short="ReLU; leaky ReLU with its slope",
        derived_for="ReLU: half of the units are silent, so the variance is doubled. With a slope below zero, for leaky ReLU",
        paper=f"{HE}, eq. 10; mode=fan_out eq. 14; slope eq. 15",
        torch="nn.init.kaiming_normal_(nonlinearity='relu'); with a slope: a=slope, 'leaky_relu'",
        keras="HeNormal (truncated)",
        jax="he_normal (truncated)",
        gains=HE_GAINS,
        parameters=HE_PARAMETERS,
        notes=(TRUNCATED.format(keras="Keras' HeNormal", jax="JAX's he_normal"), HE_MODES),
    ),
    Scheme(
        name="he_uniform",
        rule=lambda p: Rule("uniform", scale=rectifier_scale(float(p["slope"])), fan=cast("Fan", p["mode"])),
        short="ReLU; leaky ReLU with its slope",
        derived_for="ReLU, with bounded draws. With a slope below zero, for leaky ReLU",
        paper=f"{HE}, eq. 10; mode=fan_out eq. 14; slope eq. 15",
        torch="nn.init.kaiming_uniform_(nonlinearity='relu'); with a slope: a=slope, 'leaky_relu'",
        keras="HeUniform",
        jax="he_uniform",
        gains=HE_GAINS,
        parameters=HE_PARAMETERS,
        notes=(TWO_KAIMINGS, HE_MODES),
    ),
    Scheme(
        name="lecun_normal",
        rule=lambda p: Rule("normal", fan="fan_in"),
        short="linear units, scaled tanh, SELU",
        derived_for="linear units, tanh scaled to keep variance 1, and SELU",
        paper=f"{LECUN}, eq. 16; for SELU Klambauer, Unterthiner, Mayr and Hochreiter 2017, Self-normalizing neural networks",
        torch="none; nn.init.kaiming_normal_(nonlinearity='linear')",
        keras="LecunNormal (truncated)",
        jax="lecun_normal (truncated; flax's default for Dense)",
        gains="1: linear, selu. torch's gain for selu, 3/4, gives up the variance of 1 that SELU is built on",
        notes=(TRUNCATED.format(keras="Keras' LecunNormal", jax="JAX's lecun_normal"), SQUARE),
    ),
    Scheme(
        name="lecun_uniform",
        rule=lambda p: Rule("uniform", fan="fan_in"),
        short="linear units, scaled tanh",
        derived_for="linear units and tanh scaled to keep variance 1, with bounded draws",
        paper=f"{LECUN}, eq. 16",
        torch="none; nn.init.kaiming_uniform_(nonlinearity='linear')",
        keras="LecunUniform",
        jax="lecun_uniform",
        gains="1: linear, selu",
        notes=("Three times the variance of torch_default, whose bounds are ±1/√in.", SQUARE),
    ),
    Scheme(
        name="variance_scaling",
        rule=lambda p: Rule(
            cast("Distribution", p["distribution"]), scale=float(p["scale"]), fan=cast("Fan", p["mode"])
        ),
        short="depends on scale and fan",
        derived_for="any: Xavier, He and LeCun are parameter sets of it. The defaults are LeCun's scale, and Keras'",
        paper=f"the common form of {LECUN}, of Glorot 2010 and of He 2015",
        keras="VarianceScaling",
        jax="variance_scaling",
        gains="scale is the gain squared: linear and selu 1, relu 2, leaky_relu 2/(1+slope²), tanh 25/9",
        parameters={
            "scale": Parameter("the variance times the fan", 1.0),
            "mode": Parameter("what it is divided by; fan_avg is (in + out) / 2", "fan_in", words=FANS),
            "distribution": Parameter(
                "truncated_normal is cut at ±2 std and rescaled", "truncated_normal", words=DISTRIBUTIONS
            ),
        },
        notes=(
            "distribution=truncated_normal is rescaled as in Keras and JAX (/0.87962566103423978): the deviation stays "
            "√(scale/fan). The scheme truncated_normal is not rescaled, neither here nor there.",
            "What Keras calls untruncated_normal is normal here, as in JAX.",
        ),
    ),
    Scheme(
        name="edge_of_chaos",
        rule=lambda p: Rule(
            "normal", scale=float(p["sigma_w2"]), fan="fan_in", bias="normal", bias_scale=float(p["sigma_b2"])
        ),
        short="very deep tanh networks",
        derived_for="very deep networks: on the critical line neither the signal nor the gradient dies or explodes. "
        "The defaults are critical for tanh",
        paper="Poole et al. 2016, Exponential expressivity in deep neural networks through transient chaos; Schoenholz, "
        "Gilmer, Ganguli and Sohl-Dickstein 2017, Deep information propagation",
        bias="",
        gains="(sigma_w2, sigma_b2) on the critical line: tanh (1.76, 0.05) and (1, 0), relu (2, 0), linear (1, 0)",
        parameters={
            "sigma_w2": Parameter("σw², the weights' variance times in", 1.76),
            "sigma_b2": Parameter("σb², the biases' variance", 0.05),
        },
        notes=(
            "Critical means σw² E[φ'(√q g)²] = 1 where q = σw² E[φ(√q g)²] + σb² and g is N(0, 1); for tanh and σb² = 0.05 "
            "that is σw² = 1.761.",
            "The biases add to the signal's size: compare the deviation over inputs, not the size alone.",
        ),
    ),
    Scheme(
        name="torch_default",
        rule=lambda p: Rule("uniform", scale=1 / 3, fan="fan_in", bias="uniform", bias_scale=1 / 3, bias_fan_in=True),
        formula="U ±1/√in, biases too",
        variance="1 / (3 in)",
        short="nothing: the default of torch",
        derived_for="nothing in particular: what torch.nn.Linear and Conv do by default",
        paper=f"the rule of {LECUN}, as Lua Torch 7 had it",
        torch="nn.Linear.reset_parameters: kaiming_uniform_(a=√5)",
        gains=f"√(1/3) = {math.sqrt(1 / 3):.3f} for every activation, against √2 for relu",
        bias="U(±1/√in)",
        notes=(
            TWO_KAIMINGS,
            "With ReLU each layer keeps a sixth of the variance; in deep layers only the biases remain, and they make the "
            "size of the signal look normal.",
        ),
    ),
)

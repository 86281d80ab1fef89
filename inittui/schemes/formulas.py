"""A rule as a short formula, for the title of a panel. `in` and `out` are fan_in and fan_out."""

from inittui.common import formatting
from inittui.schemes.rule import CUT, Rule

_FANS = {None: "1", "fan_in": "in", "fan_out": "out", "fan_avg": "(in+out)"}


def coefficient(rule: Rule) -> float:
    """The variance times its denominator `in`, `out` or `in + out`."""
    return rule.gain * rule.gain * rule.scale * (2 if rule.fan == "fan_avg" else 1)


def formula(rule: Rule) -> str:
    """How the weights are drawn."""
    if rule.distribution == "sparse":
        kept = f"{100 * rule.share:.4g} %" if rule.kept is None else f"{rule.kept}"
        return f"{kept} of a unit's, std {rule.gain:g}"
    if rule.distribution == "truncated_normal" and rule.fan is None:
        return f"std fixed, cut at {rule.cut:g} std"
    below = _FANS[rule.fan]
    if rule.distribution == "uniform":
        return f"U ±√({3 * coefficient(rule):.4g}/{below})"
    return f"std √({coefficient(rule):.4g}/{below})" + (
        ", truncated" if rule.distribution == "truncated_normal" else ""
    )


def variance(rule: Rule) -> str:
    """The variance of a weight."""
    return f"{coefficient(rule):.4g} / {_FANS[rule.fan].replace('+', ' + ')}"


def as_variance_scaling(rule: Rule) -> str:
    """The same weights as `variance_scaling` with parameters, as it is typed; "" if it can't draw them."""
    if rule.fan is None or (rule.distribution == "truncated_normal" and rule.cut != CUT):
        return ""
    scale = formatting.number(rule.gain * rule.gain * rule.scale)
    return f"variance_scaling(scale={scale}, mode={rule.fan}, distribution={rule.distribution})"

"""What counts as chance: the accuracy below which a network has learned nothing."""


def stuck_below(chance: float) -> float:
    """The accuracy below which a network is stuck: 1.5 times the accuracy of guessing, and at most 0.1 above it.

    `chance` is the accuracy of guessing, from 0 to 1. Returns 0 where it is not known (0): then nothing is stuck.
    """
    return min(1.5 * chance, chance + 0.1)

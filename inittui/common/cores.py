"""The number of processor cores that this process may use."""


def usable_cores() -> int:
    """Cores that the affinity of this process and the quota of its control group allow; at least 1.

    A quota of 1.5 cores counts as 2. On systems without affinity (macOS), all cores count.
    """
    from joblib import cpu_count  # takes 0.2 s to import

    return int(cpu_count())

"""Independent streams of random numbers, one per purpose, all derived from the seed of a replica."""

import hashlib

import torch


def stream(seed: int, purpose: str) -> torch.Generator:
    """A CPU generator that depends on `seed` and `purpose` alone: `batches`, `weights/0`, `biases/0`, …

    Streams of different purposes are independent: an additional draw in one does not change another.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)

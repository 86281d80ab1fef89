"""What the engine's tests may ask for."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Results to the last bit depend on how many threads share a sum."""
    import torch  # not where a test holds that nothing imports it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

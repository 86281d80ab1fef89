"""Numbers, sizes and times as text."""

import pytest

from inittui.common import formatting


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (2 * 86400 - 1, "47 h"),
        (2 * 86400, "2 days"), (59 * 86400, "59 days"), (60 * 86400, "2 months"), (729 * 86400, "24 months"),
        (730 * 86400, "2 years"), (1e9, "31 years"),
    ],
)  # fmt: skip
def test_ages_are_in_words(seconds: float, words: str) -> None:
    assert formatting.age(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"), (812, "812 B"), (999, "999 B"), (1000, "1.0 kB"), (9949, "9.9 kB"), (9950, "10 kB"),
        (999_499, "999 kB"), (999_500, "1.0 MB"), (3_400_000, "3.4 MB"), (1_200_000_000, "1.2 GB"), (5e15, "5000 TB"),
    ],
)  # fmt: skip
def test_sizes_are_in_words(count: int, words: str) -> None:
    assert formatting.size(count) == words


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00"), (42.9, "0:42"), (725, "12:05"), (3723, "1:02:03"), (-1, "0:00")]
)
def test_a_clock_reads_as_people_write_it(seconds: float, expected: str) -> None:
    assert formatting.clock(seconds) == expected


def test_a_clock_survives_what_is_not_finite() -> None:
    assert [formatting.clock(float(value)) for value in ("nan", "inf", "-inf")] == ["0:00"] * 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.01894, "0.0189"), (1e308, "1.00e+308"), (float("nan"), "not finite"), (None, "not finite")],
)
def test_a_cost_is_short_whatever_it_is(value: float | None, expected: str) -> None:
    assert formatting.cost(value) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "1 second"),
        (1.4, "1 second"),
        (40, "40 seconds"),
        (150, "2.5 minutes"),
        (9000, "2.5 hours"),
        (3e5, "3.5 days"),
    ],
)
def test_a_time_has_no_more_digits_than_it_deserves(seconds: float, words: str) -> None:
    assert formatting.duration(seconds) == words


@pytest.mark.parametrize("words", ["it failed", "it failed.", "did it fail?"])
def test_a_sentence_ends_with_one_mark(words: str) -> None:
    assert formatting.sentence(words) == {"it failed": "it failed."}.get(words, words)

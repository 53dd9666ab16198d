"""Numbers in words."""

from __future__ import annotations

import pytest

from nnlint.train.wording import SPACE, count, size


@pytest.mark.parametrize(
    ("value", "words"),
    [(999, "999"), (12_345, "12.3 k"), (999_600, "1000 k"), (1_000_000, "1 M"), (4_560_000_000, "4.56 G")],
)
def test_counts(value: float, words: str) -> None:
    assert count(value).replace(SPACE, " ") == words


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0 B"), (1_023, "0.999 KiB"), (1_023_590, "1000 KiB"), (3 << 30, "3 GiB")]
)
def test_sizes(value: int, words: str) -> None:
    assert size(value).replace(SPACE, " ") == words

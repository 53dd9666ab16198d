"""The fixture of the tests of edits."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from edited_networks import Change, Edited, finder, graph_of

from nnlint import edits
from nnlint.finding import Edit


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    """Builds `net` of a source, runs it on `x` (by default an image) and gives the source with edits made."""

    number = count()

    def run(text: str, change: Change) -> str | None:
        made = change(finder(graph_of(tmp_path / f"net{next(number)}.py", text)))
        if made is None:
            return None
        return edits.applied(text, (made,) if isinstance(made, Edit) else made)

    return run

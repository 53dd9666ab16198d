"""What several folders of tests need."""

import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

# a shell ignores Ctrl-C for what it runs in the background, and whatever that starts inherits it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def steps() -> Callable[[Callable[[], object]], int]:
    """Counts the lines of Python that a call executes: what it costs, the same however busy the machine is.

    Call the function once before, so that what it imports and caches is not counted.
    """

    def counted(call: Callable[[], object]) -> int:
        count = 0

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal count
            count += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(before)
        return count

    return counted


@pytest.fixture
def unchanged_process() -> Iterator[None]:
    """Loading is made for a process of its own: here the traces it leaves are taken back."""
    path, finders, modules = list(sys.path), list(sys.meta_path), set(sys.modules)
    yield
    sys.path[:], sys.meta_path[:] = path, finders
    for name in set(sys.modules) - modules:
        if getattr(sys.modules[name], "__file__", None) is None or "pytest-of" in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def no_project_is_left_behind() -> Iterator[None]:
    """A project that a test loads in this process is not searched by the imports of the tests that follow."""
    yield
    module = sys.modules.get("nnlint.load.importing")
    if module is not None:
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, module.Finder)]

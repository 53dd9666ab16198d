"""The worker: whatever a child does, an outcome comes of it, and the next request is answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnlint.errors import NnlintError
from nnlint.worker.supervise import KEPT
from nnlint.worker.worker import Worker


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(seconds=30, memory=2 << 30) as started:
        yield started


def run(worker: Worker, source: str, **limits: float):
    return worker.run("builtins:exec", textwrap.dedent(source), **limits)


def test_start_returns_before_torch_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    (tmp_path / "torch.py").write_text(
        "import pathlib, time\n"
        "end = time.monotonic() + 60\n"
        f"while not pathlib.Path({str(go)!r}).exists():\n"
        "    assert time.monotonic() < end, 'start waits for torch'\n"
        "    time.sleep(0.01)\n"
        "set_num_threads = int\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with Worker() as started:
        go.touch()
        started.run("sys:getrecursionlimit")  # raises if torch could not be imported


def test_the_parent_imports_no_torch() -> None:
    code = "import sys; from nnlint.worker.worker import Worker; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_value_and_output(worker: Worker) -> None:
    outcome = worker.run("nnlint.worker.worker:emit", None)
    assert (outcome.kind, outcome.value, outcome.partials) == ("value", None, (None,))
    printed = run(worker, "import sys; print('out'); print('err', file=sys.stderr)")
    assert (printed.output, printed.errors) == ("out\n", "err\n")


def test_torch_is_there_with_one_thread(worker: Worker) -> None:
    outcome = worker.run("builtins:eval", "(__import__('sys').modules['torch'].get_num_threads())")
    assert outcome.value == 1


def test_exception(worker: Worker) -> None:
    outcome = worker.run("math:sqrt", -1.0)
    assert outcome.kind == "error"
    assert "math domain error" in outcome.detail
    assert outcome.reason == "ValueError: math domain error"


def test_value_that_cannot_be_pickled(worker: Worker) -> None:
    outcome = worker.run("builtins:eval", "lambda: 0")
    assert outcome.kind == "error"
    assert "pickle" in outcome.detail


def test_endless_loop_is_ended_and_partial_results_are_kept(worker: Worker) -> None:
    before = time.monotonic()
    source = "from nnlint.worker.worker import emit; print('begun', flush=True); emit({'first': 1})\nwhile True: pass"
    outcome = run(worker, source, seconds=1)
    assert outcome.kind == "timeout"
    assert outcome.partials == ({"first": 1},)
    assert outcome.output == "begun\n"
    assert time.monotonic() - before < 30
    assert "longer than 1 s" in outcome.reason


def test_segmentation_fault(worker: Worker) -> None:
    outcome = run(worker, "import ctypes; ctypes.string_at(0)")
    assert (outcome.kind, outcome.detail) == ("crash", "SIGSEGV")
    assert worker.run("math:sqrt", 4.0).value == 2.0


def test_endless_recursion_without_python_limit_is_a_crash_not_a_hang(worker: Worker) -> None:
    source = """
    import sys
    sys.setrecursionlimit(10**9)
    class A:
        def __repr__(self): return repr([self])
    repr(A())
    """
    assert run(worker, source).kind in ("crash", "error", "memory")
    assert run(worker, "def f(): f()\nf()").reason.startswith("NameError")
    assert "RecursionError" in run(worker, "globals().update(locals())\ndef f(): f()\nglobals()['f'] = f\nf()").detail


@pytest.mark.parametrize("call", ["__import__('os')._exit(7)", "__import__('sys').exit(7)", "raise SystemExit(7)"])
def test_exit(worker: Worker, call: str) -> None:
    outcome = run(worker, call)
    assert (outcome.kind, outcome.detail) == ("exit", "7")
    assert outcome.reason == "the code ended the process with exit code 7"


@pytest.mark.parametrize(
    "allocation", ["bytearray(100 << 30)", "__import__('torch').zeros(100 << 30)", "[0] * (100 << 30)"]
)
def test_too_much_memory(worker: Worker, allocation: str) -> None:
    outcome = worker.run("builtins:exec", allocation)
    assert outcome.kind == "memory"
    assert "more memory than allowed" in outcome.reason


def test_memory_limit_is_beyond_what_the_process_has() -> None:
    with Worker(memory=256 << 20) as small:
        assert run(small, "x = bytearray(100 << 20)").ok
        assert run(small, "x = bytearray(400 << 20)").kind == "memory"


def test_flood_of_output_is_cut_in_the_middle(worker: Worker) -> None:
    outcome = run(worker, "print('first')\nfor _ in range(3000): print('x' * 10000)\nprint('last')")
    assert outcome.ok
    assert outcome.output.startswith("first\n")
    assert outcome.output.endswith("last\n")
    assert len(outcome.output) < 2 * KEPT + 200
    assert "bytes left out" in outcome.output


def test_stdin_is_closed(worker: Worker) -> None:
    assert worker.run("builtins:eval", "__import__('sys').stdin.read()").value == ""


def test_a_child_has_no_core_dump(worker: Worker) -> None:
    pytest.importorskip("resource")
    limits = worker.run("builtins:eval", "__import__('resource').getrlimit(__import__('resource').RLIMIT_CORE)")
    assert limits.value == (0, 0)


def test_a_server_that_dies_is_started_again(worker: Worker) -> None:
    server = worker._process
    assert server is not None
    server.kill()
    server.wait()
    assert worker.run("math:sqrt", 9.0).value == 3.0


def test_a_server_that_dies_at_work_is_told_and_started_again() -> None:
    with Worker() as started:
        assert started.run("math:sqrt", 4.0).ok
        source = f"import time; time.sleep(60)  # {os.getpid()}"
        process = started._process
        assert process is not None
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -9 {process.pid}"])
        outcome = started.run("builtins:exec", source)
        killer.wait()
        assert (outcome.kind, outcome.detail) == ("crash", "SIGKILL")
        assert started.run("math:sqrt", 4.0).value == 2.0


def test_closing_ends_the_child_that_runs(tmp_path: Path) -> None:
    """Ctrl-C in the parent: the server and the child it watches are gone afterwards."""
    script = tmp_path / "parent.py"
    script.write_text(
        "from nnlint.worker.worker import Worker\n"
        "with Worker() as w:\n"
        "    print(w.run('os:getpid').ok, w._process.pid, flush=True)\n"
        "    w.run('time:sleep', 120)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    server = int(parent.stdout.readline().split()[1])
    time.sleep(0.5)
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    assert children
    parent.send_signal(signal.SIGINT)
    parent.wait(20)
    # they were told to end; who collects them, and when, is the system's business
    deadline = time.monotonic() + 20
    while left := [pid for pid in (str(server), *children) if _alive(int(pid))]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_a_killed_parent_leaves_nothing_running(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "from nnlint.worker.worker import Worker\n"
        "w = Worker(); w.run('os:getpid'); print(w._process.pid, flush=True); w.run('time:sleep', 120)\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    time.sleep(0.5)
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(_alive(int(pid)) for pid in (server, *children)):
        time.sleep(0.05)
    assert [pid for pid in (server, *children) if _alive(int(pid))] == []


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_without_fork_a_fresh_process_does_it(worker: Worker) -> None:
    alone = Worker(fork=False, seconds=20, memory=1 << 30)
    assert alone.run("math:sqrt", 4.0).value == 2.0
    crash = alone.run("ctypes:string_at", 0)
    assert (crash.kind, crash.detail) == ("crash", "SIGSEGV")
    late = alone.run("time:sleep", 60, seconds=3)
    assert late.kind == "timeout"


def test_a_worker_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NnlintError, match="no torch here"):
        Worker().run("math:sqrt", 4.0)


def test_a_folder_with_a_file_called_torch_does_no_harm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('the wrong torch')")
    monkeypatch.chdir(tmp_path)
    with Worker() as started:
        assert started.run("math:sqrt", 4.0).value == 2.0

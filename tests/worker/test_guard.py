"""The guard: nothing is written, sent or started by the code that is looked at, and what was refused is said."""

from __future__ import annotations

import socket
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnlint.worker.worker import Outcome, Worker


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(seconds=30) as started:
        yield started


WRITES = {
    "open": "open('made', 'w')",
    "append": "open('made', 'ab')",
    "update": "open('there', 'r+')",
    "os.open": "import os; os.open('made', os.O_WRONLY | os.O_CREAT)",
    "pathlib": "import pathlib; pathlib.Path('made').write_text('x')",
    "mkdir": "import os; os.makedirs('made/deep', exist_ok=True)",
    "rename": "import os; os.rename('there', 'moved')",
    "remove": "import os; os.remove('there')",
    "rmtree": "import shutil; shutil.rmtree('.')",
    "copy": "import shutil; shutil.copy('there', 'made')",
    "symlink": "import os; os.symlink('there', 'made')",
    "chmod": "import os; os.chmod('there', 0)",
    "truncate": "import os; os.truncate('there', 0)",
    "tempfile": "import tempfile; tempfile.TemporaryDirectory(dir='.')",
    "sqlite": "import sqlite3; sqlite3.connect('made')",
    "numpy": "import numpy; numpy.save('made', numpy.zeros(3))",
    "logging": "import logging; logging.basicConfig(filename='made', force=True)",
    "zip": "import zipfile; zipfile.ZipFile('made', 'w')",
    "torch.save": "import torch; torch.save({}, 'made')",
    "torch.save to a path": "import pathlib, torch; torch.save({}, pathlib.Path('made'))",
    "torch.jit.save": "import torch; torch.jit.save(torch.jit.script(torch.nn.Identity()), 'made')",
    "script module": "import torch; torch.jit.script(torch.nn.Identity()).save('made')",
    "profile": "import torch.profiler as p\nwith p.profile() as seen: pass\nseen.export_chrome_trace('made')",
    "mapped": "import torch; torch.from_file('made', shared=True, size=4)",
    "mapped storage": "import torch; torch.UntypedStorage.from_file('made', True, 4)",
    "process group": "import torch; torch.distributed.FileStore('made', 1).set('k', 'v')",
}


def at_work(worker: Worker, folder: Path, source: str) -> Outcome:
    script = folder / "job.py"
    script.write_text(textwrap.dedent(source))
    code = f"import os, runpy; os.chdir({str(folder)!r}); runpy.run_path({str(script)!r})"
    return worker.run("builtins:exec", code)


@pytest.mark.parametrize("source", WRITES.values(), ids=list(WRITES))
def test_writing_is_refused(worker: Worker, tmp_path: Path, source: str) -> None:
    (tmp_path / "there").write_text("kept")
    outcome = at_work(worker, tmp_path, source)
    assert outcome.kind == "error"
    assert "nnlint does not" in outcome.detail
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.py", "there"]
    assert (tmp_path / "there").read_text() == "kept"


def test_torch_may_write_to_a_buffer_and_map_what_it_reads(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"\1\2")
    source = """
        import io, torch
        buffer = io.BytesIO()
        torch.save(torch.ones(2), buffer)
        buffer.seek(0)
        assert torch.load(buffer).tolist() == [1, 1]
        assert torch.from_file("there", size=2, dtype=torch.uint8).tolist() == [1, 2]
        assert torch.UntypedStorage.from_file("there", False, 2).nbytes() == 2
        """
    outcome = at_work(worker, tmp_path, source)
    assert outcome.ok, outcome.detail


def test_reading_and_dev_null_are_allowed(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("kept")
    assert at_work(worker, tmp_path, "assert open('there').read() == 'kept'; open('/dev/null', 'w').write('x')").ok


def test_importing_writes_no_bytecode(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("X = 1")
    assert at_work(worker, tmp_path, "import sys; sys.path.insert(0, '.'); import other; assert other.X").ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.py", "other.py"]


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        yield server


@pytest.mark.parametrize(
    "source",
    [
        "import socket; socket.create_connection(('127.0.0.1', PORT))",
        "import socket; s = socket.socket(); s.connect(('127.0.0.1', PORT))",
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', PORT))",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:PORT/')",
        "import urllib.request; urllib.request.urlretrieve('http://127.0.0.1:PORT/', 'made')",
        "import http.client; http.client.HTTPConnection('127.0.0.1', PORT).request('GET', '/')",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import socket; socket.gethostbyname('example.org')",
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0))",
    ],
)
def test_no_connection_is_made(worker: Worker, tmp_path: Path, listening: socket.socket, source: str) -> None:
    outcome = at_work(worker, tmp_path, source.replace("PORT", str(listening.getsockname()[1])))
    assert outcome.kind == "error"
    assert "nnlint does not" in outcome.detail
    with pytest.raises(TimeoutError):
        listening.accept()


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess; subprocess.run(['touch', 'made'])",
        "import os; os.system('touch made')",
        "import os; os.popen('touch made').read()",
        "import os; os.execv('/usr/bin/touch', ['touch', 'made'])",
        "import os; os.posix_spawn('/usr/bin/touch', ['touch', 'made'], {})",
        "import os; os.fork()",
        "import multiprocessing as m; p = m.get_context('fork').Process(target=print); p.start()",
        "import multiprocessing as m; p = m.get_context('spawn').Process(target=print); p.start()",
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    ],
)
def test_no_process_is_started_or_ended(worker: Worker, tmp_path: Path, source: str) -> None:
    outcome = at_work(worker, tmp_path, source)
    assert outcome.kind == "error"
    assert "nnlint does not" in outcome.detail
    assert [path.name for path in tmp_path.iterdir()] == ["job.py"]
    assert worker.run("math:sqrt", 4.0).ok


def test_input_is_refused(worker: Worker, tmp_path: Path) -> None:
    assert "wait for input" in at_work(worker, tmp_path, "input('name? ')").detail


def test_refusals_are_remembered_once_with_their_place(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(
        "def save():\n"
        "    for _ in range(3):\n"
        "        try:\n"
        "            open('made', 'w')\n"
        "        except OSError:\n"
        "            pass\n"
    )
    code = (
        f"(__import__('sys').path.insert(0, {str(tmp_path)!r}), __import__('user').save(), "
        "[str(r) for r in __import__('nnlint.load.guard').load.guard.refusals()])[2]"
    )
    said = worker.run("builtins:eval", code)
    assert said.value == [f"{tmp_path / 'user.py'}:4:13: refused to write made"]


def test_what_torch_wants_for_itself_is_refused_without_a_word(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(
        "import os, types\n"
        "from nnlint.load import guard\n"
        "def ask(name):\n"
        "    torch_file = types.ModuleType(name)\n"
        "    exec('import os\\ndef make(): os.makedirs(\"made\")', vars(torch_file))\n"
        "    try:\n"
        "        torch_file.make()\n"
        "    except OSError:\n"
        "        return [str(r.site)[-4:] for r in guard.refusals()]\n"
    )
    code = (
        f"(__import__('sys').path.insert(0, {str(tmp_path)!r}), "
        "__import__('asks').ask('torch._inductor.cache'), __import__('asks').ask('torch.utils.cpp'))[1:]"
    )
    assert worker.run("builtins:eval", code).value == (["None"], ["None", ":7:9"])

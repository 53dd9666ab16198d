"""The folder of a run: metrics of every epoch, a summary of it all, and what else the run leaves."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from nnlint.errors import NnlintError, UsageError
from nnlint.train import atomic
from nnlint.train.results import Epoch

METRICS, SUMMARY = "metrics.jsonl", "summary.json"
#: where runs go that are given no folder
ROOT = Path("runs")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run is written down.

    Attributes:
        path: of the folder.
        writes: whether this process writes; of several processes only the first one does.
    """

    path: Path
    writes: bool = True

    @classmethod
    def new(cls, name: str, out: str | Path | None = None, *, root: Path = ROOT) -> RunFolder:
        """A folder for a new run: ``out``, or else ``<root>/<name>-<n>`` with the next number.

        Two runs that start together get two folders.

        Raises:
            UsageError: ``out`` holds a run, or anything else, already.
            WriteError: the folder cannot be made.
        """
        if out is None:
            return cls(_numbered(root, _plain_name(name)))
        path = Path(out)
        _make(path)
        if _is_run(path):
            raise UsageError(
                f"{path} holds a run already", where="--out", help="go on with it by `--resume`, or give another folder"
            )
        if others := sorted(entry.name for entry in path.iterdir()):
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            raise UsageError(
                f"{path} holds other files ({', '.join(others[:3])}{more})",
                where="--out",
                help="give a folder that is empty, or not there yet",
            )
        return cls(path)

    @classmethod
    def last(cls, name: str, out: str | Path | None = None, *, root: Path = ROOT) -> RunFolder:
        """The folder of the run to go on with: ``out``, or else that of this name with the highest number.

        Raises:
            UsageError: there is none.
        """
        if out is not None:
            path = Path(out)
            if not path.is_dir() or not _is_run(path):
                what = "does not exist" if not path.exists() else "holds no run"
                raise UsageError(f"{path} {what}", where="--resume", help="leave `--resume` out to start one there")
            return cls(path)
        name = _plain_name(name)
        found = [number for number in _numbers(root, name) if _is_run(root / f"{name}-{number}")]
        if not found:
            raise UsageError(
                f"no run {root / name}-… is here to go on with",
                where="--resume",
                help="give its folder by `--out`, or leave `--resume` out to start one",
            )
        return cls(root / f"{name}-{max(found)}")

    def remove_if_empty(self) -> None:
        """Take the folder away again where nothing came of the run."""
        if self.writes:
            with suppress(OSError):  # something is in it
                self.path.rmdir()

    def go_on(self, epochs: Sequence[Epoch]) -> None:
        """Make the folder as it was after these epochs, those of the checkpoint that the run goes on from.

        What a killed run left is removed: temporary files, a line that was half written, lines of epochs that are now
        done again.

        Raises:
            WriteError: it cannot be written to.
        """
        if not self.writes:
            return
        try:
            atomic.clean(self.path)
        except OSError as error:
            raise atomic.failed(self.path / METRICS, error) from error
        atomic.write_text(self.path / METRICS, "".join(_line(epoch) for epoch in epochs))

    def append(self, epoch: Epoch) -> None:
        """Add an epoch to ``metrics.jsonl``, a line each, at once.

        Raises:
            WriteError: it cannot be written; the lines before it are whole.
        """
        if not self.writes:
            return
        path = self.path / METRICS
        try:
            with path.open("ab", buffering=0) as file:
                size = file.tell()
                line = _line(epoch).encode("utf-8")
                try:
                    while line:  # a disk that fills up takes a part, and refuses the rest
                        line = line[file.write(line) :]
                except OSError:
                    os.truncate(path, size)
                    raise
        except OSError as error:
            raise atomic.failed(path, error) from error

    def metrics(self) -> list[dict[str, Any]]:
        """The epochs in ``metrics.jsonl``, without a last line that was half written."""
        path = self.path / METRICS
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write ``summary.json``, whole or not at all; numbers that are none become null.

        Raises:
            WriteError: it cannot be written.
        """
        if self.writes:
            text = json.dumps(jsonable(summary), indent=2, ensure_ascii=False, allow_nan=False)
            atomic.write_text(self.path / SUMMARY, text + "\n")

    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` says.

        Raises:
            NnlintError: it is not there or no JSON object.
        """
        path = self.path / SUMMARY
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise NnlintError(f"cannot read the summary of the run ({error})", where=str(path)) from error
        if not isinstance(found, dict):
            raise NnlintError("is no summary of a run", where=str(path))
        return found


def jsonable(value: Any) -> Any:
    """The same in what JSON has: NaN and infinities become null, tuples lists, dataclasses and tensors too."""
    if is_dataclass(value) and not isinstance(value, type):
        return jsonable(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays, tensors
        return jsonable(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _line(epoch: Epoch) -> str:
    return json.dumps(jsonable(epoch), allow_nan=False) + "\n"


def _is_run(path: Path) -> bool:
    return any((path / name).exists() for name in (METRICS, SUMMARY)) or any(path.glob("checkpoint-*.pt"))


def _plain_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"


def _numbers(root: Path, name: str) -> list[int]:
    pattern = re.compile(re.escape(name) + r"-(\d+)")
    entries = root.iterdir() if root.is_dir() else ()
    return [int(match[1]) for entry in entries if (match := pattern.fullmatch(entry.name)) and entry.is_dir()]


def _numbered(root: Path, name: str) -> Path:
    _make(root)
    number = max(_numbers(root, name), default=0) + 1
    while True:
        path = root / f"{name}-{number}"
        try:
            path.mkdir()
        except FileExistsError:  # another run was faster
            number += 1
        except OSError as error:
            raise atomic.failed(path, error) from error
        else:
            return path


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UsageError(f"{path} is a file", where="--out", help="give a folder") from error
    except OSError as error:
        raise atomic.failed(path, error) from error

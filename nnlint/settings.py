"""`Settings`: what one run was asked to do. Plain data: it goes to the worker processes as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nnlint.finding import Level

#: file or module path pattern → rules, categories or ``all`` that are not reported there
Ignores = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What the configuration says of one network of a file.

    Attributes:
        name: its class or factory.
        call: how to build it, as a target is written (``Net``, ``Net(10, width=64)``).
        inputs, loss, batch_size: as in `Settings`, for this network alone.
        source: the file that says so.
    """

    name: str
    call: str
    inputs: tuple[str, ...] = ()
    loss: str | None = None
    batch_size: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked to do, whoever asked (the command line, the Python API, an editor).

    Attributes:
        inputs: example inputs as the user wrote them (``3x224x224``, ``ids:long:1x128``, ``mask=bool:2x16``).
        input_source: who wrote them, for messages.
        input_fn: ``module:function`` that makes the arguments; None if not given.
        batch_size: of the example input; None: nnlint's choice.
        loss: the op name of the loss that judges the networks (``binary_cross_entropy``), None: what the script says.
        select, extend_select, ignore: rule names, categories or ``all``; an empty ``select`` means the default rules.
        rules: the names of the rules to run, filled in by the engine from the three above.
        execute: False for ``--no-exec``: only the source is read and only the training is checked.
        jobs: worker processes.
        time_limit: seconds one file may take in its worker.
        rows: whether every network's ops are wanted (`NetworkReport.rows`).
        local_rules: rule files, and folders of them, that the configuration names.
        options: what the configuration says of single rules: name → option → value, ``level`` among them.
        networks: what it says of the networks of the file.
        file_ignores, module_ignores: what it says is not to be reported in which files and modules.
        folder: what the file patterns are relative to.
        fail_on: the level from which findings make the exit code 1; None: warning.
        texts: texts that stand for those of files, by path: edits that are tried and not written.
        proof: whether every network's `NetworkReport.proof` is wanted.
        numbers: whether it is to be run with numbers for that.
    """

    inputs: tuple[str, ...] = ()
    input_source: str = "--input"
    input_fn: str | None = None
    batch_size: int | None = None
    loss: str | None = None
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    execute: bool = True
    jobs: int = 1
    time_limit: float = 60.0
    rows: bool = False
    local_rules: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: tuple[NetworkSettings, ...] = ()
    file_ignores: Ignores = ()
    module_ignores: Ignores = ()
    folder: str = "."
    fail_on: Level | Literal["never"] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    proof: bool = False
    numbers: bool = True

"""`Settings`: what one run was asked to do. Plain data: it goes to the worker processes as it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked to do, whoever asked (the command line, the Python API, an editor).

    Attributes:
        inputs: example inputs as the user wrote them (``3x224x224``, ``ids:long:1x128``, ``mask=bool:2x16``).
        input_fn: ``module:function`` that makes the arguments; None if not given.
        batch_size: of the example input; None: nnlint's choice.
        loss: the op name of the loss that judges the networks (``binary_cross_entropy``), None: what the script says.
        select, extend_select, ignore: rule names, categories or ``all``; an empty ``select`` means the default rules.
        rules: the names of the rules to run, filled in by the engine from the three above.
        execute: False for ``--no-exec``: only the source is read and only the training is checked.
        jobs: worker processes.
        time_limit: seconds one file may take in its worker.
        rows: whether every network's ops are wanted (`NetworkReport.rows`).
    """

    inputs: tuple[str, ...] = ()
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

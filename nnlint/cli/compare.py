"""``nnlint compare``: two networks trained against each other, fairly."""

from __future__ import annotations

from typing import Annotated

import typer

from nnlint.cli.train import (
    AugmentOption,
    BatchOption,
    ClipOption,
    ColumnOption,
    CourseOption,
    DataOption,
    DecayOption,
    DeviceOption,
    EpochsOption,
    JudgeOption,
    Optimizer,
    OptimizerOption,
    RateOption,
    ReproOption,
    SizeOption,
    SmoothingOption,
    SpeedOption,
    TaskOption,
)


def compare(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="A B | FILE [RULES…]",
            help="Two networks; or one file with --fix or --each, and after it the rules, if not all are meant.",
        ),
    ],
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="FILE as written against fixed: every fix, unsafe ones included, or those of RULES, which are named "
            "after FILE; nothing is written.",
        ),
    ] = False,
    each: Annotated[bool, typer.Option("--each", help="--fix with every rule's fixes alone, then all.")] = False,
    data: DataOption = "digits",
    column: ColumnOption = None,
    task: TaskOption = None,
    size: SizeOption = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="Pairs; fewer than 6 give no verdict.")] = 8,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**31, help="Seed of the first pair; each has the next.")
    ] = 0,
    epochs: EpochsOption = 10,
    batch_size: BatchOption = 64,
    optimizer: OptimizerOption = Optimizer.adamw,
    lr: RateOption = None,
    weight_decay: DecayOption = None,
    schedule: CourseOption = None,
    loss: JudgeOption = None,
    label_smoothing: SmoothingOption = 0.0,
    augment: AugmentOption = None,
    clip: ClipOption = None,
    lr_sweep: Annotated[
        int, typer.Option("--lr-sweep", min=0, metavar="N", help="Each network at its own best of N rates.")
    ] = 0,
    speed: SpeedOption = False,
    repro: ReproOption = False,
    device: DeviceOption = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="CPU threads of a process.", show_default="1; on a GPU torch's choice"),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "-j", "--jobs", min=1, help="Processes.", show_default="as many as the cores give threads; on a GPU 1"
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="RULES", help="With --fix or --each: not these rules.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FOLDER", help="Where the page goes.", show_default="runs/compare-NAME-N"),
    ] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Everything, as JSON; - for stdout.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the report, and where its page is.")] = False,
) -> int:
    """Train two networks on the same data from the same seeds, and say whether one is better.

    A B: two networks. FILE --fix: a file as written against all its fixes, unsafe ones too; nothing is written.
    FILE --each: what each rule's fixes are worth. A A: one network twice, from other seeds: what chance makes.

    Rules are words after FILE, names or categories: `nnlint compare net.py --fix relu-not-inplace activation`.

    The exit code is 0 whatever the verdict, and 1 if no pair of runs finished, so that there is nothing to compare.
    """
    from nnlint.adapt.model import DataChoice
    from nnlint.cli.comparing import Asked, run
    from nnlint.cli.options import split
    from nnlint.cli.train import image_size, mode
    from nnlint.train.config import TrainConfig

    config = TrainConfig(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer.value,
        lr=lr,
        weight_decay=weight_decay,
        schedule=schedule.value if schedule else None,
        label_smoothing=label_smoothing,
        augment=tuple(augment or ()),
        clip=clip,
        seed=seed,
        mode=mode(speed=speed, repro=repro),
        device=device,
        threads=threads,
    )
    asked = Asked(
        targets=tuple(targets),
        fix=fix or each,
        each=each,
        data=DataChoice(data, column, image_size(size), task.value if task else None, loss),
        seeds=seeds,
        sweep=lr_sweep,
        jobs=jobs,
        ignore=split(ignore),
        out=out,
        json=json,
        quiet=quiet,
    )
    return run(asked, config)

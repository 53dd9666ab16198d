"""``nnlint train``: a network trained by the reference trainer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from nnlint.train.config import Mode


class Optimizer(StrEnum):
    """An optimiser the trainer knows."""

    adamw = "adamw"
    sgd = "sgd"
    adadelta = "adadelta"


class Course(StrEnum):
    """The course of the learning rate."""

    one_cycle = "one-cycle"
    constant = "constant"


class Kind(StrEnum):
    """What the targets of data are."""

    classes = "classes"
    binary = "binary"
    numbers = "numbers"


DataOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DATA",
        help="digits, breast-cancer, diabetes; a folder of images; .npz, .npy, .csv; module:function.",
    ),
]
ColumnOption: TypeAlias = Annotated[
    str | None, typer.Option("--target", metavar="COLUMN", help="The column of a CSV file to predict.")
]
TaskOption: TypeAlias = Annotated[
    Kind | None, typer.Option("--task", help="What the targets are, where the data do not say.")
]
SizeOption: TypeAlias = Annotated[
    str | None, typer.Option("--size", metavar="N|HxW", help="Pixels a side the images are shown with.")
]
EpochsOption: TypeAlias = Annotated[int, typer.Option("--epochs", min=1, help="Passes over the training data.")]
BatchOption: TypeAlias = Annotated[
    int, typer.Option("--batch-size", min=2, help="Samples a step, over all processes together.")
]
OptimizerOption: TypeAlias = Annotated[Optimizer, typer.Option("--optimizer", help="The optimiser.")]
RateOption: TypeAlias = Annotated[
    float | None, typer.Option("--lr", min=0.0, help="Its (highest) learning rate.", show_default="what is usual")
]
DecayOption: TypeAlias = Annotated[
    float | None, typer.Option("--weight-decay", min=0.0, help="Weight decay.", show_default="what is usual")
]
CourseOption: TypeAlias = Annotated[
    Course | None,
    typer.Option("--schedule", help="The learning rate's course.", show_default="one-cycle; adadelta: constant"),
]
SmoothingOption: TypeAlias = Annotated[
    float, typer.Option("--label-smoothing", min=0.0, max=0.99, help="Of cross-entropy.")
]
AugmentOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--augment", metavar="NAME", help="Random changes of images: shift, flip. Repeatable."),
]
ClipOption: TypeAlias = Annotated[
    float | None, typer.Option("--clip", min=1e-9, metavar="NORM", help="Clip the norm of the gradients.")
]
JudgeOption: TypeAlias = Annotated[
    str | None, typer.Option("--loss", metavar="NAME", help="cross-entropy, mse-loss …", show_default="what fits")
]
SeedOption: TypeAlias = Annotated[
    int, typer.Option("--seed", min=0, max=2**32 - 1, help="Decides weights, order, dropout.")
]
SpeedOption: TypeAlias = Annotated[
    bool, typer.Option("--speed", help="As fast as it goes: cuDNN's search, TF32, bf16 …")
]
ReproOption: TypeAlias = Annotated[bool, typer.Option("--repro", help="Repeatable bit for bit.")]
CompileOption: TypeAlias = Annotated[bool, typer.Option("--compile", help="Put the network through torch.compile.")]
DeviceOption: TypeAlias = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda, mps.", show_default="a GPU if there is one")
]
ThreadsOption: TypeAlias = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads.", show_default="torch's choice; 1 with --repro")
]
WorkersOption: TypeAlias = Annotated[int, typer.Option("--workers", min=0, help="Processes that load data.")]


def train(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="model.py, model.py:Net, package.module:name.")],
    data: DataOption = "digits",
    column: ColumnOption = None,
    task: TaskOption = None,
    size: SizeOption = None,
    epochs: EpochsOption = 20,
    batch_size: BatchOption = 64,
    optimizer: OptimizerOption = Optimizer.adamw,
    lr: RateOption = None,
    weight_decay: DecayOption = None,
    schedule: CourseOption = None,
    loss: JudgeOption = None,
    label_smoothing: SmoothingOption = 0.0,
    augment: AugmentOption = None,
    clip: ClipOption = None,
    seed: SeedOption = 0,
    speed: SpeedOption = False,
    repro: ReproOption = False,
    compile: CompileOption = False,
    sync_batch_norm: Annotated[
        bool, typer.Option("--sync-batch-norm", help="Batch norm over all processes (torchrun, GPUs).")
    ] = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    workers: WorkersOption = 0,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FOLDER", help="Where the results go.", show_default="runs/NAME-N"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where the run in --out (else the last of this name) has stopped, with the options it had.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the result.")] = False,
) -> int:
    """Train a network of a file on data, and write curves, metrics and weights.

    The file's own training does not run: the network is built from its definitions, fitted to the data (number of
    classes, channels, size), and trained by nnlint's own recipe. On several GPUs or machines:
    torchrun --nproc-per-node N -m nnlint train …
    """
    from nnlint.adapt.model import DataChoice
    from nnlint.cli.training import Asked, run
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
        workers=workers,
        compile=compile,
        sync_batch_norm=sync_batch_norm,
    )
    asked = Asked(
        target=target,
        data=DataChoice(data, column, image_size(size), task.value if task else None, loss),
        out=out,
        resume=resume,
        quiet=quiet,
        given=given_in(context),
    )
    return run(asked, config)


def given_in(context: typer.Context) -> frozenset[str]:
    """The names of the parameters that the user has given a value."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    # by name: typer's own click and the one beside it have a class each
    return frozenset(
        name for name, source in sources.items() if source and source.name in {"COMMANDLINE", "ENVIRONMENT"}
    )


def mode(*, speed: bool, repro: bool) -> Mode:
    """The mode that two flags ask for.

    Raises:
        UsageError: if both do.
    """
    from nnlint.errors import UsageError

    if speed and repro:
        raise UsageError(
            "the fastest kernels are not those that repeat bit for bit", where="--speed --repro", help="give one"
        )
    return "speed" if speed else "repro" if repro else "default"


def image_size(text: str | None) -> tuple[int, int] | None:
    """``32`` or ``32x48`` (height first) as pixels.

    Raises:
        UsageError: if it is neither.
    """
    from nnlint.errors import UsageError

    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise UsageError(
            f"{text!r} is no size", where="--size", help="give pixels a side, 32, or height x width, 32x48"
        )
    return int(parts[0]), int(parts[-1])

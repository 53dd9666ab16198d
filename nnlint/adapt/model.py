"""What is to be trained, and on what, as users say it; and a network that is ready to be trained on given data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nnlint.train.objective import Head, LossName

if TYPE_CHECKING:
    from torch import nn

    from nnlint.train.data.model import Task


@dataclass(frozen=True, slots=True)
class NetworkSource:
    """Where a network is: plain data, so that another process can build it too.

    Attributes:
        target: as the user wrote it: ``net.py``, ``net.py:Net``, ``net.py:Net(10)``, ``package.module:name``.
        texts: texts that stand for those of files, by real path: the file with fixes applied.
        label: what to call it in a comparison (``as written``, ``without dropout-before-batch-norm``); empty: its name.
    """

    target: str
    texts: Mapping[str, str] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True, slots=True)
class DataChoice:
    """Which data, and what they are to the networks.

    Attributes:
        spec: as `nnlint.train.data.load.load_data` takes it; ``column``: its target; ``size``: of images.
        task: what the targets are; None: what the data say.
        loss: what the user asks for; None: what each file states, or what fits.
    """

    spec: str
    column: str | None = None
    size: tuple[int, int] | None = None
    task: Task | None = None
    loss: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """How data are shown to a network: images with this many channels and pixels a side; vectors as they are.

    Attributes:
        flat: images become vectors of their pixels, for a network that takes vectors.
    """

    channels: int | None = None
    size: tuple[int, int] | None = None
    flat: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """A network ready to be trained.

    Attributes:
        source: where it comes from; ``name`` what it is called: the class's name.
        build: makes it anew, on the CPU, with the numbers that torch's random generator gives now; two calls with
            equal seeds make equal networks.
        view: how the data are to be shown to it.
        outputs: the numbers it gives for each sample.
        head: what they are.
        stated_loss: the loss that its file states for it, None if none is stated or the trainer does not know it.
        stated_at: where it does (``train.py:31``).
        params, macs: for one sample of that view.
        notes: what was adapted, in sentences: ``classes=10, resolution=16 for the data``, ``the last layer was …``.
    """

    source: NetworkSource
    name: str
    build: Callable[[], nn.Module]
    view: View
    outputs: int
    head: Head
    params: int
    macs: int
    stated_loss: LossName | None = None
    stated_at: str = ""
    notes: tuple[str, ...] = ()

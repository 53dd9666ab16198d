"""What is known of how a script trains its networks: read from the source, or handed over live.

Every field holds `Fact`s: a value and the expression that states it. What the source does not state is absent (None or
an empty tuple), never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nnlint.site import Fact, Site

if TYPE_CHECKING:
    from nnlint.graph import Graph

Role = Literal["train", "val", "test"]
#: names that say that a loader is not for training, wherever its batches go
_HELD_OUT = re.compile(r"(^|[^a-z])(val|valid|validation|eval|test)(?![a-z]*train)", re.IGNORECASE)
Purpose = Literal["train", "evaluate"]


#: the schedules of torch whose highest rate is the one the optimiser is given
_LOWERING = frozenset(
    {
        "StepLR",
        "MultiStepLR",
        "ExponentialLR",
        "CosineAnnealingLR",
        "CosineAnnealingWarmRestarts",
        "PolynomialLR",
        "ReduceLROnPlateau",
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One call applied between the network's output and the loss: ``torch.sigmoid(net(x))`` has the step sigmoid."""

    name: str  # op name (`nnlint.kinds`), or the dotted path of the callable where nnlint has no name for it
    site: Site
    arguments: Mapping[str, Any] = field(default_factory=dict)  # the plain ones, by name or position ("0", "1", …)


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss and what it judges.

    Attributes:
        name: the op name: ``cross_entropy``, ``binary_cross_entropy``, ``binary_cross_entropy_with_logits``,
            ``mse_loss``, ``nll_loss`` …
        site: the expression that made it: the constructor call ``nn.BCELoss()``, or the functional call itself.
        call_site: the call that applies it.
        network: the variable or attribute that holds the network whose output it judges (``model``, ``self.net``,
            ``self`` in a Lightning module); None where the value cannot be followed to a network.
        output: which part of the network's output: ``()`` the whole, ``(0,)`` its first element, ``("logits",)`` …
        steps: what is applied to that output before the loss, in order.
        arguments: the loss's own plain arguments by name (``reduction``, ``label_smoothing``, ``ignore_index`` …).
        targets: the source text of the target argument, with its site.
        backward: whether the value is seen to reach ``.backward()`` (or is returned by a ``training_step``).
        target_shape: the shape of the target, where the source makes it itself.
        target_part: which part of a loader's batches the target is, with its values unchanged: ``(1,)`` the second.
        loaders: the loaders that those batches come from, by their numbers in `Recipe.loaders`.
        combined: something is calculated with its value: it is added to another, or divided.
    """

    name: str
    site: Site
    call_site: Site
    network: str | None = None
    output: tuple[int | str, ...] = ()
    steps: tuple[Step, ...] = ()
    arguments: Mapping[str, Fact[Any]] = field(default_factory=dict)
    targets: Fact[str] | None = None
    backward: bool = False
    target_shape: tuple[int, ...] | None = None
    target_part: tuple[int | str, ...] | None = None
    loaders: tuple[int, ...] = ()
    combined: bool = False


@dataclass(frozen=True, slots=True)
class ParamGroup:
    """One of the groups of parameters an optimiser is given: its own arguments, and whose parameters they are."""

    site: Site
    arguments: Mapping[str, Fact[Any]] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    #: arguments the group has of its own, whose values cannot be read
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An optimiser: ``name`` is the class in lower case (``sgd``, ``adamw``), ``arguments`` the plain ones by name.

    ``networks`` are the variables whose ``parameters()`` it was given; ``complete``: they are all it was given.
    """

    name: str
    site: Site
    variable: str = ""
    arguments: Mapping[str, Fact[Any]] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    #: the dotted class: ``torch.optim.SGD``; "" where it is not known
    path: str = ""
    groups: tuple[ParamGroup, ...] = ()
    complete: bool = False
    #: arguments that are given, but whose value cannot be read ("**": any may be given)
    unread: tuple[str, ...] = ()

    def stated(self, name: str) -> tuple[Fact[Any], ...]:
        """The values an argument has, wherever it is in force: the groups' own, and the outer one for the others."""
        own = [group.arguments[name] for group in self.groups if name in group.arguments]
        others = [group for group in self.groups if name not in group.arguments and name not in group.unread]
        if name in self.arguments and (others or not self.groups):
            own.append(self.arguments[name])
        return tuple(own)


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A learning-rate scheduler: ``path`` is its dotted class, ``optimizer`` the variable of what it schedules."""

    path: str
    site: Site
    variable: str = ""
    optimizer: str = ""
    arguments: Mapping[str, Fact[Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The class's own name: ``StepLR``."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class DataSet:
    """The data set behind a loader, as far as the source says what it is.

    Attributes:
        name: the callee that makes it, imports resolved (``torchvision.datasets.MNIST``), or the class of the file.
        site: the expression that makes it; for an object of a class of the file, the class.
        number: the same for one object wherever it is used; None for what may be another object every time.
        style: how it hands out samples: by index or one after the other; None where that is not known.
        part: it is a part of another data set (a split, a subset).
        arguments: the plain arguments of the call, by name or position ("0", "1", …).
        samples: how many it holds.
        grouped: why its samples are in the order of their classes (``the folders of ImageFolder``).
        decode: the call (or the data set) that opens and decodes a file for every sample.
        transforms: what is applied to every sample, in order; ``name`` is the dotted path.
        raw: what makes its samples tensors of 0 to 255, where nothing after it scales them.
        given: the names of all arguments of the call, those included whose values are not plain.
        tensors: of a `TensorDataset`, the shape of each tensor (the number of samples first), None where not known.
        changed: its attributes are set after it was made: ``data.targets = …``.
    """

    name: str
    site: Site
    number: int | None = None
    style: Literal["map", "iterable"] | None = None
    part: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    samples: Fact[int] | None = None
    grouped: Fact[str] | None = None
    decode: Fact[str] | None = None
    transforms: tuple[Step, ...] = ()
    raw: Fact[str] | None = None
    given: tuple[str, ...] = ()
    tensors: tuple[tuple[int, ...] | None, ...] = ()
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Loader:
    """A data loader. ``role`` is train where its batches feed ``backward()``, else what its loop or name says."""

    site: Site
    variable: str = ""
    role: Role | None = None
    batch_size: Fact[int] | None = None
    shuffle: Fact[bool] | None = None
    #: the argument's source text: a sampler or batch sampler given, whatever it is
    sampler: Fact[str] | None = None
    drop_last: Fact[bool] | None = None
    #: the source text of ``collate_fn``, where one is given
    collate: Fact[str] | None = None
    num_workers: Fact[int] | None = None
    pin_memory: Fact[bool] | None = None
    #: the callee (dotted, imports resolved) or variable that makes the data set: ``torchvision.datasets.MNIST``
    dataset: Fact[str] | None = None
    #: what is known of that data set
    data: Fact[DataSet] | None = None
    #: the class, imports resolved
    name: str = ""
    #: arguments that are given, but whose value cannot be read: neither a fact nor the default ("**": any may be given)
    unread: tuple[str, ...] = ()

    @property
    def in_order(self) -> bool:
        """Whether it hands out the samples in the order of the data set in every epoch."""
        open_ends = {"shuffle", "sampler", "batch_sampler", "**"} & set(self.unread)
        usual = self.name in {"", "torch.utils.data.DataLoader", "torch.utils.data.dataloader.DataLoader"}
        shuffled = self.shuffle is not None and bool(self.shuffle.value)
        return usual and not open_ends and self.sampler is None and not shuffled


@dataclass(frozen=True, slots=True)
class Call:
    """A call that matters to training: which object it is on, where, and in which function and loops it stands.

    ``loops`` are the sites of the enclosing loop headers, outermost first; ``function`` is the enclosing function's
    dotted name, "" at module level.
    """

    target: str
    site: Site
    function: str = ""
    loops: tuple[Site, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


EventKind = Literal["loss", "backward", "zero_grad", "step", "scheduler_step", "any_step", "gradient", "handed", "mode"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in a loop, in the functions it calls as well.

    Attributes:
        kind: ``any_step`` is a ``step()`` of an object that is not known; ``gradient`` a gradient taken or parameters
            changed by other means than ``backward()`` and an optimiser; ``handed`` a call that may do anything to the
            optimiser: of something unknown that is given it, or of a method that the file does not have.
        target: what it is done to, as the recipe calls it.
        depth: how many loops within the loop stand around it.
        certain: it stands under no condition within the loop.
        passed: whether the call has arguments.
    """

    kind: EventKind
    target: str
    site: Site
    depth: int = 0
    certain: bool = True
    passed: bool = False


@dataclass(frozen=True, slots=True)
class TrainingLoop:
    """A loop in which something is trained: its header, the function it stands in, and what happens in it, in order."""

    site: Site
    function: str
    events: tuple[Event, ...]

    def of(self, *kinds: EventKind) -> tuple[Event, ...]:
        """The events of these kinds, in order."""
        return tuple(event for event in self.events if event.kind in kinds)


@dataclass(frozen=True, slots=True)
class Forward:
    """A call of a network outside of other networks.

    ``grad`` is False where no gradients are recorded; ``sources`` are the networks whose outputs it is given, as far as
    they are still attached to their graphs.
    """

    network: str
    site: Site
    grad: bool = True
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pass:
    """A forward pass of a network in the course of its training or evaluation: ``net(images)``.

    Attributes:
        network: the variable that holds the network.
        purpose: ``train`` where a ``backward()`` stands in the same loop, ``evaluate`` in a loop over data without one.
        expression: the network as the source writes it there: ``self.model``.
        loop: the header of the innermost loop over batches around it, those of callers included.
        grad: whether gradients are recorded there.
        mode: the mode that the network is in; for training, ``eval`` says that it is in evaluation mode from the
            second round on at the latest. None where that is not certain.
        set_by: the ``train()`` or ``eval()`` that put it into that mode; None for a network as it was made.
        resumes: the training that goes on in evaluation mode: for a training pass in that mode its own; for an
            evaluation in training mode the one that an ``eval()`` here would reach, because no ``train()`` stands in
            the loop around both. ``target`` is the network as it is written there, ``site`` where it begins.
    """

    network: str
    site: Site
    purpose: Purpose
    expression: str = ""
    loop: Site | None = None
    grad: bool = True
    mode: Literal["train", "eval"] | None = None
    set_by: Site | None = None
    resumes: Call | None = None


@dataclass(frozen=True, slots=True)
class EpochLoop:
    """A loop over epochs around a ``backward()``.

    Attributes:
        site: its header.
        batches: the header of the loop over batches in it; None where every step sees all the data (or what the loop
            draws by itself).
        epochs: how often it runs.
        silent: nothing in it, nor in what it calls, can tell anybody how the training goes.
        stops_early: it can be left before its end.
        samples: how many samples every step sees, where that is all of them; stated by the expression that makes them.
    """

    site: Site
    batches: Site | None = None
    epochs: Fact[int] | None = None
    silent: bool = False
    stops_early: bool = False
    samples: Fact[int] | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything known of the training that one script (or one live hand-over) describes."""

    file: str = ""
    losses: tuple[Loss, ...] = ()
    optimizers: tuple[Optimizer, ...] = ()
    loaders: tuple[Loader, ...] = ()
    epochs: Fact[int] | None = None
    #: ``model.train()`` / ``model.eval()``; ``train(False)`` counts as eval
    trains: tuple[Call, ...] = ()
    evals: tuple[Call, ...] = ()
    zero_grads: tuple[Call, ...] = ()
    backwards: tuple[Call, ...] = ()
    steps: tuple[Call, ...] = ()
    scheduler_steps: tuple[Call, ...] = ()
    #: ``torch.no_grad()``, ``inference_mode`` and the like: context managers and decorators
    no_grads: tuple[Call, ...] = ()
    #: moves to a device: ``target`` is what is moved, ``arguments["device"]`` the source text of where to
    device_moves: tuple[Call, ...] = ()
    #: seeding calls; ``target`` is the dotted callee (``torch.manual_seed``)
    seeds: tuple[Call, ...] = ()
    #: draws from the generators of `random` and `numpy.random`, which have seeds of their own
    draws: tuple[Call, ...] = ()
    #: where the file first speaks of a seed, whatever sets it
    seeded: Fact[str] | None = None
    #: assignments such as ``torch.backends.cudnn.benchmark = True`` by the full dotted name, and
    #: ``torch.use_deterministic_algorithms`` by its own
    flags: Mapping[str, Fact[Any]] = field(default_factory=dict)
    #: the switches that are set to something that cannot be read, or on a branch only
    unread_flags: tuple[str, ...] = ()
    schedulers: tuple[Scheduler, ...] = ()
    #: the loops that train, outer ones after inner ones
    training_loops: tuple[TrainingLoop, ...] = ()
    forwards: tuple[Forward, ...] = ()
    #: ``total += loss`` with its graph; ``target`` is what it is added to
    kept_graphs: tuple[Call, ...] = ()
    #: gradients are bounded: ``clip_grad_norm_`` and its kin
    clips: tuple[Call, ...] = ()
    #: calls of something unknown that is given an optimiser, or a network or loss to train; ``target`` is its name
    handed: tuple[Call, ...] = ()
    #: variables of networks that are held fixed (``requires_grad_(False)``) or filled from elsewhere (a checkpoint)
    held_fixed: tuple[Call, ...] = ()
    loaded: tuple[Call, ...] = ()
    #: where the file first names an accelerator (``cuda``, ``mps``, ``xla`` …), and a step that sets a learning rate
    #: itself (``group["lr"] = …``)
    accelerator: Fact[str] | None = None
    rates_set: Fact[str] | None = None
    #: expressions that give the inputs another size from batch to batch
    varying_sizes: tuple[Fact[str], ...] = ()
    #: gradients are accumulated on purpose: ``if step % n == 0: optimizer.step()``
    accumulation: Fact[str] | None = None
    #: a training framework that owns the loop: ``lightning``, ``accelerate``, ``fabric``, ``ignite``, ``transformers``
    framework: Fact[str] | None = None
    #: the loops over epochs
    epoch_loops: tuple[EpochLoop, ...] = ()
    #: forward passes whose purpose is known
    passes: tuple[Pass, ...] = ()
    #: what puts samples into a random order, beside the loaders: ``random_split``, ``random.shuffle``, ``permutation``
    shuffles: tuple[Fact[str], ...] = ()
    #: weights that were trained before: ``weights=…``, ``from_pretrained``, ``load_state_dict``
    pretrained: Fact[str] | None = None
    #: functions that are given a network and hand it back in another form; ``target`` is the dotted callee
    #: (``torch.nn.DataParallel``), ``arguments["device_ids"]`` the devices it is stated to run on
    wraps: tuple[Call, ...] = ()
    #: the networks the script trains or evaluates, as traced: variable name → graph; filled in by the engine
    graphs: Mapping[str, Graph] = field(default_factory=dict)

    def training_loaders(self) -> tuple[Loader, ...]:
        """The loaders whose batches are trained on: not those of an attack on a network that is only tested."""
        if self.backwards and not self.optimizers and not self.steps and self.framework is None:
            return ()
        return tuple(
            loader for loader in self.loaders if loader.role == "train" and not _HELD_OUT.search(loader.variable)
        )

    def parallel_devices(self) -> int:
        """Over how many devices `torch.nn.DataParallel` is stated to split every batch; 1 where nothing is stated."""
        given = [call.arguments.get("device_ids") for call in self.wraps if call.target.endswith(".DataParallel")]
        counts = {len(devices) for devices in given if isinstance(devices, tuple) and devices}
        return counts.pop() if len(counts) == 1 and len(given) == 1 else 1

    def synchronises_batch_norm(self) -> bool:
        """Whether batch norms are turned into such as join the batches of all devices."""
        return any(re.search(r"\.convert_sync(_batchnorm|bn_model)$", f".{call.target}") for call in self.wraps)

    def is_own_loop(self) -> bool:
        """Whether the file's own loops train: no framework steps the optimiser for it."""
        return self.framework is None or self.framework.value in {"accelerate", "fabric"}

    def trained_graphs(self) -> tuple[Graph, ...]:
        """The graphs of the networks that an optimiser of the file is given, each once."""
        names = [name for optimizer in self.optimizers for name in optimizer.networks]
        found = [graph for name in names if (graph := self.graph_of(name)) is not None]
        return tuple({id(graph): graph for graph in found}.values())

    def graph_of(self, name: str) -> Graph | None:
        """The graph of a network, or of the one that a part belongs to (``net[0]``, ``model.backbone``)."""
        while name and name not in self.graphs:
            name = name[: max(name.rfind("."), name.rfind("["), 0)]
        return self.graphs.get(name)

    def graphs_in_training_mode(self) -> tuple[Graph, ...]:
        """The graphs of the networks that are trained, those left out that are in evaluation mode while they are.

        Where no optimiser is known to be given a network, all of them may be trained.
        """
        held = {done.network for done in self.passes if done.purpose == "train" and done.mode == "eval"}
        live = {id(graph): graph for name, graph in self.graphs.items() if name not in held}
        trained = {id(graph) for graph in self.trained_graphs()}
        return tuple(graph for key, graph in live.items() if key in trained or not trained)

    def flag(self, name: str) -> Fact[Any] | None:
        """A switch by the end of its dotted name: ``cudnn.benchmark``."""
        return next((fact for key, fact in self.flags.items() if key == name or key.endswith(f".{name}")), None)

    def may_set(self, name: str) -> bool:
        """Whether the file sets a switch at all, be it to something that cannot be read."""
        return any(key == name or key.endswith(f".{name}") for key in (*self.flags, *self.unread_flags))

    def raises_rate(self, optimizer: Optimizer) -> bool:
        """Whether an optimiser's learning rate may become larger than the source states it.

        That is so with any schedule but those that only lower it, where the file sets rates itself, and where something
        unknown is given the optimiser.
        """
        schedules = [found for found in self.schedulers if found.optimizer in (optimizer.variable, "")]
        known = all(found.path == f"torch.optim.lr_scheduler.{found.name}" for found in schedules)
        lowers = known and all(found.name in _LOWERING for found in schedules)
        unknown = self.rates_set is not None or bool(self.handed) or (bool(self.scheduler_steps) and not schedules)
        return unknown or not lowers

    def uses_accelerator(self) -> bool:
        """Whether something is moved to a device in a file that names an accelerator."""
        return self.accelerator is not None and bool(self.device_moves)

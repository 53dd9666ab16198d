"""What is known of how a script trains its networks: read from the source, or handed over live.

Every field holds `Fact`s: a value and the expression that states it. What the source does not state is absent (None or
an empty tuple), never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nnlint.site import Fact, Site

if TYPE_CHECKING:
    from nnlint.graph import Graph

Role = Literal["train", "val", "test"]


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


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An optimiser: ``name`` is the class in lower case (``sgd``, ``adamw``), ``arguments`` the plain ones by name.

    ``networks`` are the variables whose ``parameters()`` it was given.
    """

    name: str
    site: Site
    variable: str = ""
    arguments: Mapping[str, Fact[Any]] = field(default_factory=dict)
    networks: tuple[str, ...] = ()


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
    num_workers: Fact[int] | None = None
    pin_memory: Fact[bool] | None = None
    #: the callee (dotted, imports resolved) or variable that makes the data set: ``torchvision.datasets.MNIST``
    dataset: Fact[str] | None = None
    #: arguments that are given, but whose value cannot be read: neither a fact nor the default ("**": any may be given)
    unread: tuple[str, ...] = ()


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
    #: assignments such as ``torch.backends.cudnn.benchmark = True`` by the full dotted name, and
    #: ``torch.use_deterministic_algorithms`` by its own
    flags: Mapping[str, Fact[Any]] = field(default_factory=dict)
    #: gradients are accumulated on purpose: ``if step % n == 0: optimizer.step()``
    accumulation: Fact[str] | None = None
    #: a training framework that owns the loop: ``lightning``, ``accelerate``, ``fabric``, ``ignite``, ``transformers``
    framework: Fact[str] | None = None
    #: the networks the script trains or evaluates, as traced: variable name → graph; filled in by the engine
    graphs: Mapping[str, Graph] = field(default_factory=dict)

    def training_loaders(self) -> tuple[Loader, ...]:
        """The loaders whose batches are trained on."""
        return tuple(loader for loader in self.loaders if loader.role == "train")

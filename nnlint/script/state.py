"""Where the following of a script is: the frames of the functions it is in, and what it has to remember."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from nnlint.script.epochs import Training, training_of
from nnlint.script.evidence import Evidence
from nnlint.script.modes import Modes, Round
from nnlint.script.modes import State as ModeState
from nnlint.script.networks import Networks
from nnlint.script.record import Record
from nnlint.script.scopes import Scope
from nnlint.script.spans import Spans
from nnlint.script.values import Instance, Value, batches_of
from nnlint.site import Fact


@dataclass(eq=False, slots=True)
class Frame:
    """One run of a module's, class's or function's body: its variables and the loops it is in."""

    scope: Scope
    above: Frame | None = None
    variables: dict[str, Value] = field(default_factory=dict)
    loops: list[ast.stmt] = field(default_factory=list)
    returned: list[Value] = field(default_factory=list)
    yielded: list[Value] = field(default_factory=list)

    @property
    def function(self) -> str:
        """The dotted name of the function it runs, "" at module level."""
        return "" if self.scope.is_class else self.scope.name

    def lookup(self, name: str) -> Value | None:
        """A variable, as seen from here; the variables of class bodies are seen in the body alone."""
        frame: Frame | None = self
        while frame is not None:
            found = frame.variables.get(name)
            if found is not None and (frame is self or not frame.scope.is_class):
                return found
            frame = frame.above
        return None


class State:
    """What the parts of the follower share: the file, the record, the current frame."""

    def __init__(self, networks: Networks, spans: Spans, record: Record, evidence: Evidence) -> None:
        self.networks = networks
        self.names = networks.names
        self.spans = spans
        self.record = record
        self.evidence = evidence
        self.module = Frame(networks.names.module)
        self.frame = self.module
        #: how many branches that may not be taken the current statement stands in
        self.branches = 0
        #: attributes of the networks the file defines, by class
        self.network_attributes: dict[Scope, dict[str, Value]] = {}
        #: frames of class bodies, and of the functions that define functions
        self.class_frames: dict[Scope, Frame] = {}
        self.closures: dict[Scope, Frame] = {}
        self.entered: set[Scope] = set()
        self.active: list[Scope] = []
        #: loops around the current statement, those of the callers included: what they run over, and how often
        self.rounds: list[tuple[ast.stmt, Value, Fact[int] | None]] = []
        #: the `if` tests around the current statement, within its function
        self.tests: list[ast.expr] = []
        #: conditions that a ``backward()`` stands under, by the id of their nodes
        self.tests_of_backwards: set[int] = set()
        #: how often each function was entered, and what it returned for which arguments
        self.runs: dict[Scope, int] = {}
        self.results: dict[tuple[object, ...], Value] = {}
        #: how many blocks without gradients the current statement stands in
        self.without_grad = 0
        #: the objects that the file makes of its classes, networks left out
        self.objects: dict[Scope, list[Instance]] = {}
        self.modes = Modes()
        #: loop → the scope it stands in
        self.loop_scopes: dict[int, Scope] = {}
        #: loops over epochs around a `backward()`, by the id of their nodes
        self.trainings: dict[int, Training] = {}
        #: loop → how many samples a network is given in each of its rounds, where these are always the same tensor
        self.whole_batches: dict[int, Fact[int]] = {}
        #: calls of networks, layers and losses
        self.computing: set[int] = set()
        #: the effect on the modes of the function calls whose results are remembered
        self.effects: dict[tuple[object, ...], ModeState] = {}
        #: loop → the variables it changes
        self.changed: dict[ast.stmt, frozenset[str]] = {}
        #: (container's id, entry) → the container and the first statement that set the entry
        self.writers: dict[tuple[int, str], tuple[dict[str, Value], ast.AST]] = {}

    def loops_around(self) -> tuple[Round, ...]:
        """The loops around the current statement, those of callers included."""
        return tuple(
            Round(node, batches_of(value), ast.unparse(node.iter) if isinstance(node, ast.For | ast.AsyncFor) else "")
            for node, value, _ in self.rounds
        )

    def begin_loop(self, node: ast.stmt) -> None:
        """A loop's body is about to be followed."""
        self.loop_scopes[id(node)] = self.frame.scope
        self.modes.enter_loop(node)

    def note_training(self) -> None:
        """Records the loop over epochs around a `backward()`."""
        self.modes.backward(loop for loop, _, _ in self.rounds)
        found = training_of(self.loops_around(), {id(node): count for node, _, count in self.rounds})
        if found is not None:
            self.trainings.setdefault(id(found.node), found)

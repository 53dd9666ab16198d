"""The recorder: a function mode that sees every call of one forward pass and writes it down as an fx graph."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePath
from types import FrameType
from typing import Any

import torch
from torch import fx, nn
from torch.overrides import TorchFunctionMode

from nnlint.frames import Sources
from nnlint.graph import Value
from nnlint.site import Site
from nnlint.trace import calls, meta, replay
from nnlint.trace.devices import run_at_hand
from nnlint.trace.failure import Failure, asks_for_values, spelling_of
from nnlint.trace.keep import Keeper
from nnlint.trace.paths import Paths
from nnlint.trace.regions import Regions
from nnlint.trace.run import META, Role, Run
from nnlint.trace.templates import Template
from nnlint.trace.values import has_tensor, value_of, version_of

#: argument types that a node takes, and generated code prints, as they are
_PLAIN = frozenset(
    {
        type(None), bool, int, float, complex, str, type(Ellipsis), torch.dtype, torch.device, torch.memory_format,
        torch.layout,
    }
)  # fmt: skip

#: containers that a node's arguments may be made of: how to convert what is in them
_CONTAINERS: dict[type, Callable[[Any, Callable[[Any], Any]], Any]] = {
    tuple: lambda value, convert: tuple([convert(item) for item in value]),
    torch.Size: lambda value, _: tuple(value),
    list: lambda value, convert: [convert(item) for item in value],
    slice: lambda value, convert: slice(convert(value.start), convert(value.stop), convert(value.step)),
    dict: lambda value, convert: {key: convert(item) for key, item in value.items()},
}

#: names that a `GraphModule` uses for itself, so that no submodule of the network can have them in it
_TAKEN = frozenset(dir(fx.GraphModule(nn.Module(), fx.Graph())))
#: torch's own layers and initialisations: what they ask a tensor for is no use of it
_LAYERS = str(PurePath(nn.__file__).parent)
#: where a tensor comes from: its node, or how to make the node when the tensor is first read
Source = fx.Node | Callable[[], fx.Node]


class Recorder(TorchFunctionMode):
    """Records what happens while it is entered.

    Args:
        root: the network.
        keeper: is told before a tensor that the pass did not make is overwritten.
        paths: the names and constructor calls of the root's modules.
        on_meta: whether the pass runs on the meta device.
        assume: answer a condition on a tensor that has no values with False, and note it in `assumed`.
    """

    def __init__(self, root: nn.Module, keeper: Keeper, paths: Paths, *, on_meta: bool, assume: bool = False) -> None:
        super().__init__()
        self.graph = fx.Graph()
        #: what the nodes' targets name, beside the modules of the root
        self.extras: dict[str, Any] = {}
        self.meta = on_meta
        self.assumed: list[str] = []
        self._assume = assume and on_meta
        self.inside = 0
        self.failure: tuple[BaseException, Failure] | None = None
        self.sources = Sources()
        self._keeper = keeper
        self._paths = paths
        self._regions = Regions(self._plumbing)
        self._nodes: dict[int, Source] = {}
        self._observed: set[fx.Node] = set()
        self._asked: set[fx.Node] = set()  # plain Python asked for the shape or the values
        self._alive: list[Any] = []
        self._names: dict[int, str] = {}
        self._stack: list[tuple[nn.Module, str]] = [(root, "")]
        self._state(root)

    # -- what happens in the pass ----------------------------------------------------------------------------------

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run one function and write it down."""
        kwargs = kwargs or {}
        if self.inside:
            if self.meta:
                return self._on_meta(func, args, kwargs)
            self._watch_writes(func, args, kwargs)
            return func(*args, **kwargs)
        if calls.is_query(func):
            if not sys._getframe(1).f_code.co_filename.startswith(_LAYERS):
                self._note_query(args)
            return self._query(func, args, kwargs)
        return self.function(func, args, kwargs, sys._getframe(1))

    def function(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        frame: FrameType | None,
        run: Callable[..., Any] | None = None,
    ) -> Any:
        """Record one call of a function; ``run`` is what to call, where that is not the function itself."""
        found: list[torch.Tensor] = []
        given = self._arguments(args, kwargs, found)
        original = args
        if self.meta:
            args, kwargs = meta.beside(func, args, kwargs, found)
        elif found:
            self._watch_writes(func, args, kwargs)
        reads = tuple(map(value_of, found))
        versions = [version_of(tensor) for tensor in found]
        try:
            result = run(*args, **kwargs) if run is not None else self._execute(func, args, kwargs)
        except Exception as error:
            self._failed(error, func, None, reads, self.sources.site(frame), None)
            raise
        if result is None and found:
            self._note_effect(func, given, original, reads, frame)
        if not has_tensor(result):
            return result
        overwrites = calls.overwrites(func, kwargs, result, found, versions)
        if args is not original and args and result is args[0] is not original[0]:
            # a constant from the CPU, overwritten: the network goes on with the one it has
            result, overwrites = original[0], True
        node = self._call(func, given, self._run("op", func, self.sources.site(frame), reads, overwrites))
        return self._bind(node, result, found, overwrites or calls.returns_itself(func))

    def module(
        self, original: Callable[..., Any], module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any],
        frame: FrameType | None,
    ) -> Any:  # fmt: skip
        """Record one call of a leaf module; ``original`` is how torch calls it."""
        with torch._C.DisableTorchFunction():
            path = self._paths.of(module, self._stack[-1])
            found: list[torch.Tensor] = []
            given = self._arguments(args, kwargs, found)
            if self.meta:
                args, kwargs = meta.beside(module, args, kwargs, [*found, *module.parameters(recurse=False)])
            reads = tuple(map(value_of, found))
            versions = [version_of(tensor) for tensor in found]
            call_site = self.sources.site(frame)
        self.inside += 1
        try:
            result = original(module, *args, **kwargs)
        except Exception as error:
            self._failed(error, None, module, reads, self._paths.site(module), call_site, path)
            raise
        finally:
            self.inside -= 1
        with torch._C.DisableTorchFunction():
            overwrites = calls.overwrites(module, kwargs, result, found, versions)
            site = self._paths.site(module)
            note = Run(
                "op",
                path,
                None,
                module,
                site,
                call_site,
                reads,
                (),
                module.training,
                torch.is_grad_enabled(),
                overwrites,
            )
            self._regions.follow()
            node = self._node("call_module", self._target(module, path), *given, note)
            if module._forward_hooks:
                self._observed.add(node)
            return self._bind(node, result, found, overwrites)

    def opaque(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType | None,
        run: Callable[..., Any],
    ) -> Any:  # fmt: skip
        """Record one call of something that torch does not show to function modes; nothing in it is recorded."""
        self.inside += 1
        try:
            with torch._C.DisableTorchFunction():
                return self.function(func, args, kwargs, frame, run)
        finally:
            self.inside -= 1

    def note_call(self, func: Callable[..., Any], *args: Any) -> None:
        """Have the graph call a function that makes no tensor, for its effect."""
        with torch._C.DisableTorchFunction():
            self._plumbing(func, *args)

    def observe(self, value: Any) -> None:
        """Note that more than ops make use of the tensors in a value (`Op.observed`)."""
        if isinstance(value, torch.Tensor):
            source = self._nodes.get(id(value))
            if type(source) is fx.Node:
                self._observed.add(source)
        elif type(value) not in _PLAIN:
            for tensor in replay.tensors_in(value):
                self.observe(tensor)

    def made(self, tensor: Any) -> bool:
        """Whether a tensor is a result of the pass."""
        source = self._nodes.get(id(tensor))
        return source is not None and (type(source) is not fx.Node or source.op != "get_attr")

    def computes_state_of(self, module: nn.Module) -> bool:
        """Whether a layer's weights are results of the pass (swapped in by `torch.func.functional_call`, say).

        Such a layer is entered: run as it is, it would read its own weights.
        """
        state = (*module._parameters.values(), *module._buffers.values(), module.__dict__.get("weight"))
        return any(type(source) is fx.Node and source.op != "get_attr" for source in map(self._source, state))

    def enter(self, module: nn.Module) -> None:
        """A module that is entered begins."""
        with torch._C.DisableTorchFunction():
            self._stack.append((module, self._paths.of(module, self._stack[-1])))

    def leave(self, error: BaseException | None = None) -> None:
        """It ends, by an exception or not."""
        _, path = self._stack.pop()
        if isinstance(error, Exception) and (self.failure is None or self.failure[0] is not error):
            self.failure = (error, Failure(path, "", (), None))

    # -- arguments and results -------------------------------------------------------------------------------------

    def take(self, name: str, default: tuple[Any, ...], value: Any) -> None:
        """An argument of the network: its placeholder, and where the tensors in it come from.

        Args:
            name: the parameter's name, with its stars.
            default: its default, in a tuple; empty if it must be given.
            value: what it is in this pass.
        """
        training = self._stack[0][0].training
        values = (value_of(value),) if isinstance(value, torch.Tensor) else ()
        note = Run("input" if values else "plumbing", values=values, training=training)
        placeholder = self._node("placeholder", name, default, {}, note)
        for tensor in replay.tensors_in(value):
            self._keeper.watch(tensor)
        self._unpack(placeholder, value, "input")

    def give(self, result: Any) -> None:
        """The network's result: the output node."""
        found: list[torch.Tensor] = []
        self._regions.close()
        value = self._argument(result, found, exact=True)
        note = Run("output", reads=tuple(map(value_of, found)), training=self._stack[0][0].training)
        self.graph.output(value).meta[META] = note
        for node in self._observed | self._asked:
            note = node.meta[META]
            node.meta[META] = replace(
                note, observed=note.role == "op", kept=note.role == "op" and node in self._observed
            )

    # -- inner workings --------------------------------------------------------------------------------------------

    def _state(self, root: nn.Module) -> None:
        for role, named in (
            ("parameter", root.named_parameters(remove_duplicate=True)),
            ("buffer", root.named_buffers(remove_duplicate=True)),
        ):
            for name, tensor in named:
                if id(tensor) not in self._nodes:
                    self._nodes[id(tensor)] = self._reader(name, tensor, role)  # type: ignore[arg-type]

    def _source(self, tensor: torch.Tensor | None) -> Source | None:
        return self._nodes.get(id(tensor)) if tensor is not None else None

    def _reader(self, target: str, tensor: torch.Tensor, role: Role) -> Callable[[], fx.Node]:
        def make() -> fx.Node:
            note = Run(role, path=target if role != "constant" else "", values=(value_of(tensor),))
            return self._node("get_attr", self._extra("state", tensor) if _is_taken(target) else target, (), {}, note)

        return make

    def _query(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return func(*args, **kwargs)
        except Exception as error:
            site = self.sources.site(sys._getframe(1))
            if self._assume and calls.is_condition(func) and asks_for_values(error):
                where = f"the condition at {PurePath(site.file).name}:{site.line}" if site else "a condition"
                self.assumed.append(f"{where} is False")
                return False
            shapes = tuple(value_of(a) for a in args if isinstance(a, torch.Tensor))
            self._failed(error, func, None, shapes, site, None)
            raise

    def _note_query(self, args: tuple[Any, ...]) -> None:
        source = self._nodes.get(id(args[0])) if args else None
        if type(source) is fx.Node:
            self._asked.add(source)

    def _execute(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._on_meta(func, args, kwargs) if self.meta else run_at_hand(func, args, kwargs, "cpu")

    def _on_meta(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = meta.result_of(func, args, kwargs)
        return run_at_hand(func, args, kwargs, "meta") if result is None else result

    def _watch_writes(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for tensor in calls.written(func, args, kwargs):
            self._keeper.before_write(tensor)
        if calls.runs_backward(func):
            self._keeper.before_gradients()

    def _note_effect(
        self, func: Callable[..., Any], given: tuple[tuple[Any, ...], dict[str, Any]], args: tuple[Any, ...],
        reads: tuple[Value, ...], frame: FrameType | None,
    ) -> None:  # fmt: skip
        """A function that returns nothing: if it changes its first argument, later readers see its node."""
        effect = calls.effect_of(func)
        if effect is None:
            return
        if effect.changes_values and isinstance(args[0], torch.Tensor):
            note = self._run("op", func, self.sources.site(frame), reads, True)
            node = self._call(effect.helper, effect.arguments(*given), note)
            node.meta[META] = replace(note, function=func, values=(value_of(args[0]),))
            self._map(args[0], node)
        else:
            self._call(effect.helper, effect.arguments(*given), self._run("plumbing", func, None, reads, False))

    def _run(
        self, role: Role, func: Callable[..., Any], site: Site | None, reads: tuple[Value, ...], inplace: bool
    ) -> Run:
        owner, path = self._stack[-1]
        return Run(role, path, func, None, site, None, reads, (), owner.training, torch.is_grad_enabled(), inplace)

    def _call(self, func: Callable[..., Any], given: tuple[tuple[Any, ...], dict[str, Any]], note: Run) -> fx.Node:
        args, kwargs = given
        self._regions.follow()
        if isinstance(func, type) and issubclass(func, torch.autograd.Function):
            return self._node("call_function", replay.apply, (self._object(func), *args), kwargs, note)
        if (name := calls.property_name(func)) is not None:
            return self._node("call_function", getattr, (args[0], name), {}, note)
        callee: Any = func
        if calls.is_printable(callee):
            return self._node("call_function", func, args, kwargs, note)
        return self._node("call_function", replay.call, (self._object(func), *args), kwargs, note)

    def _node(self, op: str, target: Any, args: Any, kwargs: Any, note: Run, name: str | None = None) -> fx.Node:
        node = self.graph.create_node(op, target, args, kwargs, name)
        node.meta[META] = note
        return node

    def _plumbing(self, target: Any, *args: Any) -> fx.Node:
        op = "get_attr" if isinstance(target, str) else "call_function"
        return self._node(op, target, args, {}, Run("plumbing", self._stack[-1][1]))

    def _target(self, module: nn.Module, path: str) -> str:
        if path and self._paths.is_registered(module) and not _is_taken(path):
            return path
        name = self._names.get(id(module))
        if name is None:
            name = self._names[id(module)] = self._extra("unregistered", module)
        return name

    def _extra(self, kind: str, value: Any) -> str:
        name = f"_{kind}_{len(self.extras)}"
        self.extras[name] = value
        return name

    def _object(self, value: Any) -> fx.Node:
        name = self._names.get(id(value))
        if name is None:
            self._alive.append(value)
            name = self._names[id(value)] = self._extra("object", value)
        return self._plumbing(name)

    def _arguments(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], found: list[torch.Tensor]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (
            tuple([self._argument(value, found) for value in args]),
            {name: self._argument(value, found) for name, value in kwargs.items()} if kwargs else {},
        )

    def _argument(self, value: Any, found: list[torch.Tensor], *, exact: bool = False) -> Any:
        """A value as a node's argument; its tensors are appended to ``found``.

        An operation takes a tuple for a `torch.Size`, and the code reads better; a result (``exact``) keeps its type.
        """
        cls = type(value)
        if cls in _PLAIN:
            return value
        if isinstance(value, torch.Tensor):
            found.append(value)
            return self._node_of(value)
        convert = None if exact and cls is torch.Size else _CONTAINERS.get(cls)
        if convert is not None and (cls is not dict or all(type(key) is str for key in value)):
            return convert(value, lambda item: self._argument(item, found, exact=exact))
        return self._foreign(value, found)

    def _foreign(self, value: Any, found: list[torch.Tensor]) -> fx.Node:
        """A value that fx cannot write down: an object of the graph module, or a structure that a node rebuilds."""
        template = Template(value)
        if not template.size:
            return self._object(value)
        found.extend(template.tensors)
        nodes = [self._node_of(tensor) for tensor in template.tensors]
        name = self._extra("template", template.detached())
        return self._plumbing(replay.rebuild, self._plumbing(name), *nodes)

    def _node_of(self, tensor: torch.Tensor) -> fx.Node:
        source = self._nodes.get(id(tensor))
        if type(source) is fx.Node:
            return source
        if source is None:
            self._keeper.watch(tensor)
            source = self._reader(self._extra("constant", tensor), tensor, "constant")
        node = source()  # type: ignore[operator]
        self._map(tensor, node)
        return node

    def _map(self, tensor: torch.Tensor, source: Source) -> None:
        self._nodes[id(tensor)] = source
        self._alive.append(tensor)

    def _bind(self, node: fx.Node, result: Any, read: list[torch.Tensor], same: bool) -> Any:
        """Let the tensors of a result come from its node.

        An operation that hands back its very argument (dropout in evaluation, `nn.Identity`, ``contiguous``) would
        leave one object for two values; the caller gets an alias, so that ``x + identity(x)`` reads two.
        """
        if not same and type(result) in (torch.Tensor, nn.Parameter) and any(result is tensor for tensor in read):
            result = result.view_as(result)
        values: list[Value] = []
        self._unpack(node, result, "item", values)
        node.meta[META] = replace(node.meta[META], values=tuple(values))
        return result

    def _unpack(self, node: fx.Node, value: Any, role: Role, values: list[Value] | None = None) -> None:
        """Let the tensors in a structure come from the node that yields the structure."""
        values = [] if values is None else values
        if isinstance(value, torch.Tensor):
            self._map(value, node)
            values.append(value_of(value))
        elif isinstance(value, tuple | list):
            for index, item in enumerate(value):
                self._pick(node, operator.getitem, index, item, role, values)
        elif isinstance(value, dict) and all(isinstance(key, str | int) for key in value):
            for key, item in value.items():
                self._pick(node, operator.getitem, key, item, role, values)
        elif type(value) not in _PLAIN and (tensors := replay.tensors_in(value)):
            inner = self._plumbing(replay.tensors_in, node)
            for index, tensor in enumerate(tensors):
                self._pick(inner, operator.getitem, index, tensor, role, values)

    def _pick(
        self, node: fx.Node, how: Callable[..., Any], key: Any, item: Any, role: Role, values: list[Value]
    ) -> None:
        if isinstance(item, torch.Tensor):
            note = Run(
                role, node.meta[META].path, values=(value_of(item),), slot=len(values),
                training=node.meta[META].training,
            )  # fmt: skip
            values.append(note.values[0])
            if role == "input":
                self._map(item, self._node("call_function", how, (node, key), {}, note, f"{node.name}_{key}"))
            else:
                self._map(item, lambda: self._node("call_function", how, (node, key), {}, note))
        elif has_tensor(item) or replay.tensors_in(item):
            self._unpack(self._plumbing(how, node, key), item, role, values)

    def _failed(
        self, error: Exception, func: Callable[..., Any] | None, module: nn.Module | None, reads: tuple[Value, ...],
        site: Site | None, call_site: Site | None, path: str | None = None,
    ) -> None:  # fmt: skip
        if self.failure is not None and self.failure[0] is error:
            return
        thing = module if module is not None else func
        spelling = spelling_of(thing) if thing is not None else ""
        where = path if path is not None else self._stack[-1][1]
        shapes = tuple(value.shape for value in reads)
        self.failure = (error, Failure(where, spelling, shapes, site, call_site, module, func))


def _is_taken(path: str) -> bool:
    """Whether what a path leads to cannot stand in a `GraphModule`, which has an attribute of that name itself."""
    return path.partition(".")[0] in _TAKEN

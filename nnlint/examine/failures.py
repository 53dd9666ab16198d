"""Findings about what never became a graph: networks that cannot be built, and forward passes that fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from dis import get_instructions
from traceback import walk_tb
from types import CodeType, FunctionType
from typing import Any

from torch import nn

from nnlint.finding import Finding, Level, Related
from nnlint.inputs.clashes import Clash
from nnlint.inputs.search import NoInputs, Tried, is_hopeless, refuses_view
from nnlint.inputs.watch import Fault
from nnlint.load.answers import NotRunError
from nnlint.load.blame import blamed
from nnlint.load.candidate import Candidate, Failure
from nnlint.load.files import raised_at
from nnlint.load.guard import RefusedError
from nnlint.load.standin import Origin
from nnlint.load.trying import import_advice
from nnlint.site import Site

_CATEGORY = "network"
#: how the loader marks that a stood-in import is what stopped a network
_IMPORT = "import-failed: "
_ASK = "state one: --input 3x224x224, or a comment `# nnlint: input=3x224x224`"


def not_built(failures: Iterable[Failure]) -> list[Finding]:
    """Networks whose construction failed; those that one import of the file stops are one finding, at the import."""
    groups: dict[Site | int, list[Failure]] = {}
    for place, failure in enumerate(failures):
        groups.setdefault(failure.needed or place, []).append(failure)
    return [_not_built(group) for group in groups.values()]


def _not_built(group: list[Failure]) -> Finding:
    first = group[0]
    level: Level = "warning" if any(failure.built_here for failure in group) else "info"
    if not is_import(first):
        message = f"{first.name or first.target} could not be built: {first.message}{_advice(first.help)}"
        if first.raised in (None, first.site) or not first.built_here:
            return _signed("network-not-built", level, message, first.site, network=first.name)
        found = _signed("network-not-built", level, message, first.raised, network=first.name)
        return replace(found, related=(Related(first.name or first.target, first.site),) if first.site else ())
    message = f"{said(first)}{_advice(first.help)}"
    at = first.site
    if first.needed is not None and (at is None or first.needed.file == at.file):
        at = first.needed
    related = [Related(failure.name or failure.target, failure.site) for failure in group if failure.site]
    if at == first.site and first.needed not in (None, at):
        related = [Related("the import", first.needed)]
    found = _signed("import-failed", level, message, at, network=first.name if len(group) == 1 else "")
    return replace(found, related=tuple(dict.fromkeys(one for one in related if one.site != at)))


def said(failure: Failure) -> str:
    """The reason of a failure as a user reads it."""
    return failure.message.removeprefix(_IMPORT)


def is_import(failure: Failure) -> bool:
    """Whether a missing or broken import is what stopped the network."""
    return (
        failure.message.startswith((_IMPORT, "ModuleNotFoundError", "ImportError"))
        or "No module named" in failure.message
    )


def mismatch(candidate: Candidate, tried: Tried) -> Finding:
    """The forward pass failed on inputs the user or the file itself gives: an error with its line and its numbers."""
    fault = tried.fault
    if (origin := blamed(fault.error)) is not None:
        return _lacking(candidate, origin)
    if refuses_view(fault):
        return _viewed(candidate, fault)
    clash = fault.clash
    inputs = ", ".join(tried.inputs) or "no arguments"
    given = f"with the input {inputs} ({tried.source})"
    if clash is None or not fault.is_mismatch:
        message = f"the forward pass of {candidate.name} fails {given}: {fault.text}"
        return _signed("network-not-traced", "warning", message, _site(candidate, fault), network=candidate.name)
    subject = f"`{fault.path}`" if fault.module is not None and fault.path else f"`{_called(fault)}`"
    message = f"{subject} is given {_shapes(fault)}, {_explained(clash)}; {given}"
    facts: dict[str, Any] = {
        "op": _called(fault),
        "shapes": [list(shape) for shape in fault.shapes],
        "got": clash.got,
        "expected": clash.want,
        "input": list(tried.inputs),
    }
    if (argument := fitting(fault)) is not None:
        facts |= {"argument": argument, "fits": clash.got}
    return _signed("shape-mismatch", "error", message, _site(candidate, fault), facts, candidate.name, fault)


def fitting(fault: Fault) -> str | None:
    """The constructor argument that, set to the size that came, would make the layer fit; None if there is none."""
    if fault.module is None or fault.clash is None or not fault.clash.argument:
        return None
    return fault.clash.argument


def not_traced(candidate: Candidate, found: NoInputs) -> Finding:
    """No guess was accepted: a note that asks for the input and tells what was tried."""
    best = found.best
    if best is None:
        message = f"nothing says what the forward pass of {candidate.name} takes; {_ASK}"
        return _signed("network-not-traced", "info", message, candidate.site, network=candidate.name)
    if refuses_view(best.fault) and _is_common(found, best.fault):
        return _viewed(candidate, best.fault)
    if (origin := blamed(best.fault.error)) is not None and _is_common(found, best.fault):
        return _lacking(candidate, origin)
    if (why := _incomplete(candidate, best.fault)) is not None:
        return _signed("network-not-traced", "info", why, candidate.site, network=candidate.name)
    if _is_its_own(found, best.fault):
        at = raised_at(best.fault.error)
        message = f"the forward pass of {candidate.name} fails on every input tried: {best.fault.text}"
        return _signed("network-not-traced", "warning", message, at or candidate.site, network=candidate.name)
    tried = list(dict.fromkeys(", ".join(one.inputs) or "no arguments" for one in found.tried))
    nearest = ", ".join(best.inputs) or "no arguments"
    message = (
        f"no example input for {candidate.name} was found; {_ASK} "
        f"({len(tried)} tried; the nearest, {nearest}, ended in {best.fault.text})"
    )
    facts = {"tried": tried, "error": best.fault.text}
    return _signed("network-not-traced", "info", message, candidate.site, facts, candidate.name)


def _lacking(candidate: Candidate, origin: Origin) -> Finding:
    """The forward pass needs something that is stood in for."""
    if origin.kind != "import":
        message = f"the forward pass of {candidate.name} cannot be recorded: {origin.message}"
        return _signed("network-not-traced", "info", message, candidate.site, network=candidate.name)
    said, advice = f"{_IMPORT}{origin.message}", import_advice(origin)
    return _not_built([Failure(candidate.target, candidate.name, said, candidate.site, advice, needed=origin.site)])


def _incomplete(candidate: Candidate, fault: Fault) -> str | None:
    """Why a class is no network by itself, in a sentence; None if it is one."""
    if _has_parts_only(candidate.module):
        who = "its training step runs" if hasattr(candidate.module, "training_step") else "its methods run"
        return f"{candidate.name} has no forward: {who} its parts; name one of them to look at it"
    if (method := _left_to_subclasses(candidate.module, fault.error)) is not None:
        return f"{candidate.name} is there to be inherited from: its `{method}` only raises ({fault.text})"
    if _is_unfinished(candidate.module, fault.error):
        return f"{candidate.name} has no layers, and is there to be inherited from ({fault.text})"
    return None


def _is_unfinished(module: nn.Module, error: BaseException) -> bool:
    """Whether a class without layers failed for an attribute of ``self`` that none of its methods sets: its subclasses
    are to."""
    if not isinstance(error, AttributeError) or type(error.obj) is not type(module):
        return False
    own = [cls for cls in type(module).__mro__ if not cls.__module__.startswith("torch.")]
    methods = [method for cls in own for method in vars(cls).values() if isinstance(method, FunctionType)]
    set_by_them = {one.argval for method in methods for one in get_instructions(method) if one.opname == "STORE_ATTR"}
    return error.name not in set_by_them and not any((*module.children(), *module.parameters(), *module.buffers()))


def _left_to_subclasses(module: nn.Module, error: BaseException) -> str | None:
    """The method, called by the forward pass, that raised `NotImplementedError` and can do nothing else; None if it was
    none: a ``forward`` that comes so far itself is unfinished."""
    if not isinstance(error, NotImplementedError):
        return None
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    code = frames[-1].f_code if frames else None
    method = next((name for name in dir(type(module)) if _code(getattr(type(module), name, None)) is code), None)
    if code is None or method in (None, "forward"):
        return None
    names = {one.opname for one in get_instructions(code)}
    return None if any("JUMP" in name or name.startswith("RETURN_") for name in names) else method


def _code(value: Any) -> CodeType | None:
    return value.__code__ if isinstance(value, FunctionType) else None


def _has_parts_only(module: nn.Module) -> bool:
    """Whether it has no forward pass and needs none: the training step of a Lightning module, or the methods of an
    agent that chooses actions and judges states, run its parts."""
    own = {name for name, value in vars(type(module)).items() if isinstance(value, FunctionType)}
    called = hasattr(module, "training_step") or any(not name.startswith("_") for name in own)
    return called and type(module).forward is nn.Module.forward


def _is_its_own(found: NoInputs, fault: Fault) -> bool:
    """Whether the forward pass failed for a reason of its own, not for what it was given."""
    if is_hopeless(fault.error) or isinstance(fault.error, RefusedError | NotRunError):
        return True
    if not _is_common(found, fault):
        return False
    missing = isinstance(fault.error, AttributeError) and isinstance(fault.error.obj, nn.Module)  # nothing sets it
    return missing or isinstance(fault.error, NotImplementedError)


def _is_common(found: NoInputs, fault: Fault) -> bool:
    """Whether every try that came as far ended in the same words."""
    return all(one.fault.text == fault.text for one in found.tried if one.fault.steps >= fault.steps)


def _viewed(candidate: Candidate, fault: Fault) -> Finding:
    shape = f" of {_shapes(fault)}" if fault.shapes else ""
    message = (
        f"`{_called(fault)}` on a tensor{shape} whose axes were exchanged: it raises, for its elements do not lie in "
        "memory in this order; reshape copies them"
    )
    return _signed("view-after-transpose", "error", message, _site(candidate, fault), {}, candidate.name, fault)


def stopped(candidate: Candidate, reason: str) -> Finding:
    """The forward pass did not come to an end."""
    message = f"{candidate.name} could not be checked: {reason}"
    return _signed("network-not-traced", "warning", message, candidate.site, network=candidate.name)


def _signed(
    rule: str,
    level: Level,
    message: str,
    site: Site | None,
    facts: Mapping[str, Any] | None = None,
    network: str = "",
    fault: Fault | None = None,
) -> Finding:
    related: tuple[Related, ...] = ()
    call_site = getattr(getattr(fault.raised, "failure", None), "call_site", None) if fault else None
    if call_site is not None and call_site != site:
        related = (Related("the call", call_site),)
    return Finding(
        message,
        site,
        related,
        paths=(fault.path,) if fault and fault.path else (),
        ops=(_called(fault),) if fault else (),
        shape=fault.shapes[0] if fault and fault.shapes else None,
        facts=dict(facts or {}),
        rule=rule,
        level=level,
        category=_CATEGORY,
        network=network,
    )


def _site(candidate: Candidate, fault: Fault) -> Site | None:
    """The constructor call of the layer that failed, else the call of the function, else where the network is built."""
    told = getattr(fault.raised, "failure", None)
    if fault.module is not None and (site := candidate.sites.get(id(fault.module))) is not None:
        return site
    return getattr(told, "site", None) or getattr(told, "call_site", None) or candidate.site


def _called(fault: Fault) -> str:
    spelling: str = getattr(getattr(fault.raised, "failure", None), "spelling", "")
    if spelling:
        return spelling
    return f"nn.{type(fault.module).__name__}" if fault.module is not None else fault.function or "forward"


def _shapes(fault: Fault) -> str:
    return " and ".join("x".join(map(str, shape)) or "a scalar" for shape in fault.shapes[:4])


def _explained(clash: Clash) -> str:
    if clash.kind in ("features", "channels") and clash.argument:
        return f"{clash.got} {clash.kind} where {clash.want} are expected: {clash.argument}={clash.got} fits"
    if clash.kind in ("features", "channels"):
        return f"{clash.got} {clash.kind} where {clash.want} are expected"
    if clash.kind == "axes":
        return f"{clash.got} axes where {clash.want} are expected"
    if clash.kind == "elements":
        return f"{clash.got} numbers that do not divide into rows of {clash.want}"
    if clash.kind == "small":
        return f"a map of {clash.got} that its kernel does not fit into" if clash.got else "too small a map"
    axis = f" on axis {clash.axis}" if clash.axis is not None else ""
    return f"and the sizes {clash.got} and {clash.want}{axis} do not fit"


def _advice(text: str | None) -> str:
    return f"; {text}" if text else ""

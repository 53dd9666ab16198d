"""The fixes of a rule pack tried on the pack's own examples: `nnlint.testing.fix_cases`."""

from __future__ import annotations

import ast
import atexit
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nnlint import engine
from nnlint.finding import Finding
from nnlint.fix import run
from nnlint.registry import ExampleText, RuleInfo
from nnlint.settings import Settings


@dataclass(frozen=True, slots=True)
class FixCase:
    """The fix of one rule, with all of its bad examples."""

    rule: RuleInfo

    def __str__(self) -> str:
        return self.rule.name

    def check(self) -> None:
        """Fixes every bad example as ``--fix --unsafe-fixes`` would, with this rule's fixes alone.

        Raises:
            AssertionError: if a fix had to be taken back, if none of the examples is mended, or if the numbers that a
                safe fix must not change could not be compared.
        """
        __tracebackhide__ = True
        with tempfile.TemporaryDirectory() as folder:
            files = {
                str(_written(self.rule, example, Path(folder))): example
                for example in self.rule.examples
                if example.bad
            }
            results = [_fixed(self.rule, path) for path in files]
            names = [f"{self.rule.name}:{example.name}" for example in files.values()]
        for name, result in zip(names, results, strict=True):
            failed = "; ".join(result.report.failed)
            assert not failed, f"{name} cannot be examined: {failed}"
            back = [one.reason for one in result.report.taken_back]
            assert not back, f"the fix of {name} had to be taken back: {'; '.join(back)}\n{_wanted(result)}"
            if self.rule.fix == "safe" and result.report.fixed:
                unproven = _unproven(result)
                assert not unproven, f"the numbers of {name} were not compared: {unproven}"
        mended = [finding for result in results for finding in result.report.fixed if finding.rule == self.rule.name]
        seen = "; ".join(f"{name}: {_found(self.rule, result)}" for name, result in zip(names, results, strict=True))
        assert mended, f"the fix of {self.rule.name} mends none of its bad examples ({seen})"


def _unproven(result: run.Result) -> str:
    proofs = [network.proof for network in result.report.networks if network.proof]
    return "; ".join(proof.unproven for proof in proofs if proof.evaluation is None)


def _wanted(result: run.Result) -> str:
    """The edits that were taken back, as the text they were to put in."""
    texts = [
        edit.text for one in result.report.taken_back for edit in (one.finding.fix.edits if one.finding.fix else ())
    ]
    return "it wanted to write " + ", ".join(map(repr, texts))


def _found(rule: RuleInfo, result: run.Result) -> str:
    own: list[Finding] = [finding for finding in result.report.findings if finding.rule == rule.name]
    if not own:
        return "not found in the file"
    return "no fix offered" if not any(finding.fix for finding in own) else "not applied"


def _fixed(rule: RuleInfo, path: str) -> run.Result:
    local = () if rule.module else (rule.pack,)
    settings = Settings(extend_select=(rule.name,), local_rules=local, proof=True)
    return run.fix([path], settings, unsafe=True, only={rule.name}, session=_session())


@cache
def _session() -> engine.Session:
    """One worker for all cases."""
    session = engine.Session().__enter__()
    atexit.register(session.__exit__)
    return session


def _written(rule: RuleInfo, example: ExampleText, folder: Path) -> Path:
    """The example as a file of its own: a script as it is, a network as a factory with the imports it needs."""
    file = folder / f"{example.name}.py"
    comment = f"# nnlint: input={example.input}\n" if example.input else ""
    body = _script(rule, example) if rule.on == "graph" else f"{example.source}\n"
    file.write_text(comment + body, encoding="utf-8")
    return file


def _script(rule: RuleInfo, example: ExampleText) -> str:
    """A script that builds an example's network, and lets its loss judge it."""
    text = Path(rule.file).read_text(encoding="utf-8")
    tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == example.name)
    parts = [
        "".join(lines[(node.lineno if node is function else _first(node)) - 1 : node.end_lineno])
        for node in _needed(tree, function)
    ]
    imports = _USUAL + "".join(
        f"{ast.get_source_segment(text, node)}\n"
        for node in tree.body
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and _is_foreign(node))
    )
    return (
        f"{imports}\n\n"
        + "\n\n".join(part.rstrip("\n") + "\n" for part in parts)
        + f"\n\nnet = {example.name}()\n"
        + _loop(example.loss)
    )


_USUAL = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"


def _is_foreign(node: ast.ImportFrom) -> bool:
    return (node.module or "").partition(".")[0] != "nnlint" and node.level == 0


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _needed(tree: ast.Module, function: ast.FunctionDef) -> list[ast.stmt]:
    """The function and what it uses of its file, in the order of the file."""
    defined: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign):
            defined |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    needed: list[ast.stmt] = []
    left: list[ast.stmt] = [function]
    while left:
        node = left.pop()
        if node not in needed:
            needed.append(node)
            used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
            left += [defined[name] for name in sorted(used) if name in defined]
    return sorted(needed, key=lambda node: node.lineno)


def _loop(loss: str | None) -> str:
    if loss is None:
        return ""
    return f"""
for inputs, targets in loader:
    loss = F.{loss}(net(inputs), targets)
    loss.backward()
"""

"""`read`: one file's source, read by `ast` alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from nnlint.recipe import Recipe
from nnlint.script import source as sources
from nnlint.script import torchnames
from nnlint.script.model import Script
from nnlint.script.project import Project

#: frames: enough for the longest chains of operators and ``elif`` that people (and generators of code) write
_RECURSION = 8000
#: libraries on top of torch that a file can take networks from without importing torch itself
_TORCH_ROOTS = torchnames.words(
    "torch torchvision torchaudio torchtext lightning pytorch_lightning lightning_fabric timm transformers diffusers "
    "torch_geometric monai kornia fairseq ultralytics detectron2 mmcv mmengine mmdet fastai ignite catalyst "
    "segmentation_models_pytorch efficientnet_pytorch vit_pytorch x_transformers open_clip clip einops.layers "
    "sentence_transformers speechbrain"
)


def read(path: str, source: str | None = None) -> Script:
    """What one Python file says about its networks and their training, nothing of it run.

    Args:
        path: the file, as the user gave it; sites carry it unchanged.
        source: its text, if it is already at hand (an editor's buffer); else the file is read.

    Raises:
        ReadError: if the file cannot be read or is not Python; ``where`` has the line and column.
    """
    text = sources.load(path) if source is None else source.removeprefix("\ufeff")
    tree = sources.parse(text, path)
    with sources.deep_recursion(_RECURSION):
        try:
            return _script(path, text, tree)
        except RecursionError:
            raise sources.too_deep(path) from None


def _script(path: str, text: str, tree: ast.Module) -> Script:
    project = Project(path)
    imported = list(_imported(tree))
    if not _may_use_torch(imported, project, Path(path).absolute()):
        return Script(path, text, tree, {}, {}, (), (), (), (), Recipe(file=path), uses_torch=False)
    # late: most files of a project hold no network, and what follows networks and training is much to import
    from nnlint.script.contents import contents

    return contents(path, text, tree, project)


def _imported(tree: ast.Module) -> Iterator[str]:
    """The dotted names a file imports, wherever it does: statements are walked, expressions are not."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            joint = "" if module.endswith(".") else "."
            yield from (f"{module}{joint}{alias.name}" for alias in node.names)
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, block, None)
            if isinstance(inner, list):
                stack.extend(inner)


def _may_use_torch(imported: list[str], project: Project, path: Path) -> bool:
    """Whether any import leads to torch, directly or through the definitions of another file of the project."""
    if any(name.partition(".")[0] in _TORCH_ROOTS for name in imported):
        return True
    return any(_leads_to_network(name, project, path) for name in imported if not torchnames.is_foreign(name))


def _leads_to_network(name: str, project: Project, path: Path) -> bool:
    found = project.find(name, path)
    if found is None or found[0] == path:
        return False
    file, rest = found
    if rest and rest != ("*",):
        defined = project.define(name, path)
        return defined is not None and defined[0].defines_constructor(defined[1])
    networks = project.read(file)  # `import models`: anything in it may be used
    return networks is not None and networks.offers_constructor()

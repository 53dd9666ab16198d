"""What a file that can use torch says: its networks, what builds them, their inputs and their training."""

from __future__ import annotations

import ast
from pathlib import Path

from nnlint.script.builds import find_builds
from nnlint.script.constants import constants
from nnlint.script.definitions import factories, network_classes
from nnlint.script.evidence import Evidence
from nnlint.script.follow import Follower
from nnlint.script.habits import with_habits
from nnlint.script.hints import find_hints
from nnlint.script.mentions import with_loops
from nnlint.script.model import Script
from nnlint.script.naming import Names
from nnlint.script.networks import Networks
from nnlint.script.project import Project
from nnlint.script.record import Record
from nnlint.script.spans import Spans


def contents(path: str, text: str, tree: ast.Module, project: Project) -> Script:
    """The `Script` of a parsed file.

    Raises:
        RecursionError: if it is nested too deeply for the interpreter's present limit.
    """
    networks = Networks(Names(tree).read_all(), Path(path).absolute(), project)
    spans = Spans(path, text)
    evidence = Evidence(networks)
    follower = Follower(networks, spans, Record(spans), evidence)
    follower.follow(tree)
    return Script(
        path=path,
        source=text,
        tree=tree,
        imports=networks.names.imports(),
        constants=constants(follower),
        networks=network_classes(networks, spans),
        factories=factories(networks, spans),
        builds=find_builds(tree, networks, spans, evidence),
        hints=find_hints(follower),
        recipe=with_habits(with_loops(follower.record.recipe(path), tree, follower.record, spans), follower),
        uses_torch=True,
    )

"""The edit kit: what a rule's fix is made of.

Every function works out from the source how an op is written (as an element of `nn.Sequential` or of a list of modules,
as an attribute that ``forward`` calls, as a function or method call) and returns `Edit`s of exactly what has to change:
comments, quotes, line breaks and commas of the rest stay as they are. None where the style is not understood, or the
source is not the user's. A fix may be optimistic about what its edits do: they are verified by running the network.

Lines in an edit's text end with ``\\n``, whatever the file's own ends are: who writes the file translates them.
"""

from __future__ import annotations

from nnlint.edits.apply import OverlappingEditsError, applied
from nnlint.edits.arguments import argument, remove_argument, replace_callee, set_argument
from nnlint.edits.features import set_features
from nnlint.edits.inserting import in_place_of
from nnlint.edits.moves import insert_after, move_after, remove_op, swap
from nnlint.edits.names import in_scope
from nnlint.edits.source import is_installed, source_of
from nnlint.edits.statements import after_statement, before_statement, begin_block
from nnlint.finding import Edit
from nnlint.site import Site

__all__ = [
    "OverlappingEditsError",
    "after_statement",
    "applied",
    "argument",
    "before_statement",
    "begin_block",
    "in_place_of",
    "in_scope",
    "insert_after",
    "is_installed",
    "move_after",
    "remove_argument",
    "remove_op",
    "replace",
    "replace_callee",
    "set_argument",
    "set_features",
    "swap",
    "text_of",
]


def text_of(site: Site) -> str | None:
    """The text at a site; None if its file cannot be read, or is not the user's."""
    source = source_of(site)
    if source is None or not 0 < site.line <= site.end_line <= len(source.lines):
        return None
    return source.text[source.offset(site.line, site.column) : source.offset(site.end_line, site.end_column)]


def replace(site: Site, text: str) -> Edit:
    """Put a text in the place of what stands at a site."""
    return Edit(site, text)

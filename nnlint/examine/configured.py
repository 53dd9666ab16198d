"""The networks of a file, with what the configuration says of them in place of what nnlint would find out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from nnlint.load.candidate import Candidate, Loaded
from nnlint.settings import NetworkSettings, Settings

Load = Callable[[str | None], Loaded]


@dataclass(frozen=True)
class Configured:
    """What was loaded, and the settings of single networks by their candidates."""

    loaded: Loaded
    settings: dict[Candidate, Settings]


def load_configured(load: Load, name: str | None, settings: Settings) -> Configured:
    """Load a file's networks; those that the configuration names are built as it says.

    Args:
        load: builds one target of the file, or all networks of it for None.
        name: the target asked for, None for all.

    Raises:
        UsageError: if the target, or one that the configuration names, is not in the file.
    """
    called = {table.name: table.call for table in settings.networks}
    loaded = load(called.get(name or "", name))
    if name is None:
        for table in settings.networks:
            if table.call != table.name or not any(_is_meant(table, one) for one in loaded.candidates):
                loaded = _with(loaded, table, load(table.call))
    by_candidate = {
        candidate: _joined(settings, table)
        for candidate in loaded.candidates
        for table in settings.networks
        if _is_meant(table, candidate)
    }
    return Configured(loaded, by_candidate)


def _is_meant(table: NetworkSettings, candidate: Candidate) -> bool:
    names = (candidate.name, candidate.target.rpartition(":")[2].partition("(")[0], *candidate.variables)
    return table.name in names


def _with(loaded: Loaded, table: NetworkSettings, own: Loaded) -> Loaded:
    """The configured network instead of those of its class, which the training knows by their variables."""
    classes = {type(candidate.module) for candidate in own.candidates}
    replaced = [one for one in loaded.candidates if type(one.module) in classes or _is_meant(table, one)]
    variables = tuple(dict.fromkeys(variable for one in replaced for variable in one.variables))
    return replace(
        loaded,
        candidates=(
            *(one for one in loaded.candidates if one not in replaced),
            *(replace(one, variables=(*variables, *one.variables)) for one in own.candidates),
        ),
        failures=(*(one for one in loaded.failures if one.name != table.name), *own.failures),
        notes=tuple(dict.fromkeys((*loaded.notes, *own.notes))),
    )


def _joined(settings: Settings, table: NetworkSettings) -> Settings:
    """What the command line says counts more."""
    return replace(
        settings,
        inputs=settings.inputs or table.inputs,
        input_source=settings.input_source if settings.inputs else table.source,
        loss=settings.loss or table.loss,
        batch_size=settings.batch_size or table.batch_size,
    )

"""A configuration file read and validated: `Config`, with every path in it made absolute."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlint.config.find import table
from nnlint.errors import UsageError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from nnlint.config.model import ConfigTable

#: keys whose values add up along ``extend``; of the others the nearest counts
_ADDED = ("extend-select", "ignore", "exclude", "local-rules", "networks")
_MERGED = ("per-file-ignores", "per-module-ignores", "rules")
#: keys whose values are paths relative to the file they stand in
_PATHS = ("local-rules",)


@dataclass(frozen=True)
class Config:
    """What one configuration says.

    Attributes:
        file: where it stands; None for the defaults.
        folder: what its patterns and targets are relative to.
    """

    table: ConfigTable
    folder: Path
    file: Path | None = None

    @property
    def where(self) -> str:
        """How a message calls it."""
        return str(self.file) if self.file else "the configuration"


@cache
def load(file: Path) -> Config:
    """The configuration of a file, what it extends included.

    Raises:
        UsageError: for a key that does not exist or a value that is none: file, key, found, expected.
    """
    return validated(_inherited(file, ()), file.parent, file)


def validated(values: dict[str, Any], folder: Path, file: Path | None = None) -> Config:
    """The configuration that these values are.

    Raises:
        UsageError: as for `load`; for a version that is not accepted too.
    """
    from pydantic import ValidationError

    from nnlint.config.model import ConfigTable

    where = str(file) if file else "--config"
    try:
        config = Config(ConfigTable.model_validate(values), folder, file)
    except ValidationError as error:
        raise _explained(error, where, prefix=file is not None and file.name == "pyproject.toml") from error
    if config.table.required_version is not None:
        _check_version(config.table.required_version, where)
    return config


def _inherited(file: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if file in seen:
        raise UsageError("configurations extend each other in a circle", where=str(file))
    values = table(file)
    if values is None:
        raise UsageError("there is no table [tool.nnlint] in it", where=str(file))
    values = {key: _absolute(key, value, file.parent) for key, value in values.items()}
    base = values.get("extend")
    if not isinstance(base, str):
        return values
    other = (file.parent / Path(base).expanduser()).resolve()
    if not other.is_file():
        raise UsageError("there is no such file to extend", where=f"{file}: extend = {base!r}")
    return merged(_inherited(other, (*seen, file)), values)


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The values of ``over`` on top of ``base``: lists that add rules add up, tables are joined, the rest replaced."""
    result = base | over
    for key in _ADDED:
        if isinstance(base.get(key), list) and isinstance(over.get(key), list):
            result[key] = base[key] + over[key]
    for key in _MERGED:
        if isinstance(base.get(key), dict) and isinstance(over.get(key), dict):
            result[key] = base[key] | over[key]
    if "select" in over:  # a new choice: what was added to the old one, or taken from it, no longer applies
        result |= {key: over.get(key, []) for key in ("extend-select", "ignore")}
    return result


def _absolute(key: str, value: Any, folder: Path) -> Any:
    if key in _PATHS and isinstance(value, list):
        return [str(folder / Path(item).expanduser()) if isinstance(item, str) else item for item in value]
    return value


def _check_version(wanted: str, where: str) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from nnlint import __version__

    try:
        fits = __version__ in SpecifierSet(wanted, prereleases=True)
    except InvalidSpecifier as error:
        message = f"required-version: expected versions such as '>=0.1,<1', found {wanted!r}"
        raise UsageError(message, where=where) from error
    if not fits:
        raise UsageError(
            f"this is nnlint {__version__}, the configuration asks for {wanted}",
            where=where,
            help=f"pip install 'nnlint{wanted}'",
        )


def _explained(error: ValidationError, where: str, *, prefix: bool) -> UsageError:
    from nnlint.config.model import ConfigTable, NetworkTable

    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join((["tool", "nnlint"] if prefix else []) + path)
    if first["type"] == "extra_forbidden":
        owner = NetworkTable if path[0] == "networks" and len(path) > 1 else ConfigTable
        known = [field.alias or name for name, field in owner.model_fields.items()]
        near = difflib.get_close_matches(path[-1].replace("_", "-"), known, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]!r}?" if near else f"keys are {', '.join(known)}"
        return UsageError("there is no such key", where=f"{where}: {key}", help=advice)
    expected = str(first["msg"]).removeprefix("Input should be ")
    if first["type"] == "missing":
        return UsageError("this key is missing", where=f"{where}: {key}")
    return UsageError(f"expected {expected}, found {first['input']!r}", where=f"{where}: {key}")

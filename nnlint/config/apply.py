"""What the configuration and the command line together ask for: the `Settings` of each file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nnlint.config.exclude import is_excluded
from nnlint.config.find import closest
from nnlint.config.load import Config, load, validated
from nnlint.errors import UsageError
from nnlint.finding import LEVELS
from nnlint.registry import Listing, RuleInfo, list_rules
from nnlint.selection import is_known, suggestion
from nnlint.settings import NetworkSettings, Settings


@dataclass(frozen=True)
class Configs:
    """Which configuration applies to which file.

    Attributes:
        given: the one that was asked for, for every file; None: the closest to each.
        isolated: no file is looked for.
        force_exclude: what is excluded stays out even if it is given explicitly.
        overrides: keys given on the command line, which count more than any file.
    """

    given: Path | None = None
    isolated: bool = False
    force_exclude: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def of(self, path: str | Path) -> Config | None:
        """The configuration of a file (or of the files in a folder); None where there is none.

        Raises:
            UsageError: for one that cannot be read or is wrong.
        """
        place = Path(path).absolute()
        folder = place if place.is_dir() else place.parent
        file = self.given.absolute() if self.given else None if self.isolated else closest(folder.resolve())
        if not self.overrides:
            return load(file) if file else None
        return _overridden(file, self.overrides, Path.cwd())

    def excludes(self, path: Path, explicit: bool) -> bool:
        """Whether a file or folder is left out, by its configuration or by git."""
        config = self.of(path if explicit and path.is_dir() else path.absolute().parent)
        return is_excluded(path, explicit, config, force=self.force_exclude)

    def settings(self, path: str, asked: Settings, notes: list[str]) -> Settings:
        """What is asked for of one file: by the command line, and by its configuration where that says nothing.

        Args:
            notes: what is not quite right in the configuration is added to it, once.

        Raises:
            UsageError: for a rule, option or pattern of the configuration that does not exist.
        """
        config = self.of(path)
        return asked if config is None else _joined(config, asked, path, notes)


def rules_here() -> Listing:
    """Every rule of the installed packs, and the local ones of the configuration of the current folder.

    Raises:
        UsageError: for a configuration that is wrong.
    """
    config = Configs().of(Path.cwd())
    local = tuple(config.table.local_rules) if config else ()
    _check_local(local, config.where if config else "")
    return list_rules(local)


def parse_config_options(words: list[str]) -> tuple[Path | None, dict[str, Any]]:
    """``--config``: the file that is given, and the ``key = value`` pairs, as TOML.

    Raises:
        UsageError: for a word that is neither, or two files.
    """
    import tomllib

    file: Path | None = None
    overrides: dict[str, Any] = {}
    for word in words:
        if "=" not in word:
            if file is not None:
                raise UsageError(f"there are two configurations, {file} and {word}", where="--config")
            file = Path(word)
            if not file.is_file():
                raise UsageError("there is no such file", where=f"--config {word}", help='or give "key = value"')
            continue
        try:
            overrides |= tomllib.loads(word)
        except tomllib.TOMLDecodeError as error:
            advice = "TOML, as in a configuration: --config \"fail-on = 'error'\""
            raise UsageError(f"no valid key = value: {error}", where=f"--config {word}", help=advice) from error
    return file, overrides


def _overridden(file: Path | None, overrides: Mapping[str, Any], folder: Path) -> Config:
    from nnlint.config.load import merged

    base = dict(load(file).table.model_dump(by_alias=True, exclude_unset=True)) if file else {}
    checked = validated(dict(overrides), folder).table.model_dump(by_alias=True, exclude_unset=True)
    return validated(merged(base, checked), file.parent if file else folder, file)


def _joined(config: Config, asked: Settings, path: str, notes: list[str]) -> Settings:
    table = config.table
    local = tuple(table.local_rules)
    _check_local(local, config.where)
    rules = list_rules(local).rules
    ignore = _known_ignores(rules, table.ignore, config, notes)
    for words, key in ((table.select or [], "select"), (table.extend_select, "extend-select")):
        for word in words:
            if not is_known(rules, word):
                message = f"there is no rule or category {word!r}"
                raise UsageError(message, where=f"{config.where}: {key}", help=suggestion(rules, word))
    if asked.select:  # a choice on the command line replaces that of the configuration
        select, extend, ignore = asked.select, asked.extend_select, asked.ignore
    else:
        select = tuple(table.select or ())
        extend = (*table.extend_select, *asked.extend_select)
        ignore = (*ignore, *asked.ignore)
    return replace(
        asked,
        select=select,
        extend_select=tuple(extend),
        ignore=ignore,
        local_rules=local,
        options=_options(rules, table.rules, config),
        networks=_networks(config, path),
        file_ignores=_patterns(rules, table.per_file_ignores, "per-file-ignores", config, notes),
        module_ignores=_patterns(rules, table.per_module_ignores, "per-module-ignores", config, notes),
        folder=str(config.folder),
        fail_on=asked.fail_on or table.fail_on,
    )


def _check_local(paths: tuple[str, ...], where: str) -> None:
    for path in paths:
        if not Path(path).exists():
            raise UsageError(f"there is no rule file or folder {path!r}", where=f"{where}: local-rules")


def _known_ignores(
    rules: tuple[RuleInfo, ...], words: list[str], config: Config, notes: list[str], key: str = "ignore"
) -> tuple[str, ...]:
    """The words that name something: one that names nothing does no harm, and may be meant for another version."""
    for word in words:
        if not is_known(rules, word):
            note = f"{config.where}: {key}: there is no rule or category {word!r}; {suggestion(rules, word)}"
            if note not in notes:
                notes.append(note)
    return tuple(word for word in words if is_known(rules, word))


def _patterns(
    rules: tuple[RuleInfo, ...], given: dict[str, list[str]], key: str, config: Config, notes: list[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((pattern, _known_ignores(rules, words, config, notes, key)) for pattern, words in given.items())


def _options(
    rules: tuple[RuleInfo, ...], given: dict[str, dict[str, Any]], config: Config
) -> dict[str, dict[str, Any]]:
    by_name = {old: rule for rule in rules for old in rule.was} | {rule.name: rule for rule in rules}
    found: dict[str, dict[str, Any]] = {}
    for name, values in given.items():
        rule = by_name.get(name)
        if rule is None:
            raise UsageError(
                f"there is no rule {name!r}", where=f"{config.where}: rules.{name}", help=suggestion(rules, name)
            )
        found[rule.name] = {key: _option(rule, key, value, config) for key, value in values.items()}
    return {name: {key.replace("-", "_"): value for key, value in values.items()} for name, values in found.items()}


def _option(rule: RuleInfo, key: str, value: Any, config: Config) -> Any:
    where = f"{config.where}: rules.{rule.name}.{key}"
    if key == "level":
        if value not in LEVELS:
            raise UsageError(f"expected one of {', '.join(LEVELS)}, found {value!r}", where=where)
        return value
    if (name := key.replace("-", "_")) not in rule.options:
        known = [option.replace("_", "-") for option in ("level", *rule.options)]
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]!r}?" if near else f"its options: {', '.join(known)}"
        raise UsageError(f"the rule {rule.name} has no option {key!r}", where=where, help=advice)
    default = rule.options[name]
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if default is not None and type(value) is not type(default):
        raise UsageError(f"expected {_like(default)}, found {value!r}", where=where)
    return value


def _like(default: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", tuple: "a list"}
    return f"{words.get(type(default), type(default).__name__)} (the default is {default!r})"


def _networks(config: Config, path: str) -> tuple[NetworkSettings, ...]:
    """What is said of the networks of this file."""
    from nnlint.targets import expand

    found = []
    for table in config.table.networks:
        target, _, name = table.target.rpartition(":")
        if not target or not name:
            message = f"expected file.py:Name or package.module:name, found {table.target!r}"
            raise UsageError(message, where=f"{config.where}: networks.target")
        if target.endswith(".py"):
            file = config.folder / target
        else:
            try:
                file = Path(expand([table.target])[0].path)
            except UsageError as error:
                raise UsageError(error.message, where=f"{config.where}: networks.target", help=error.help) from error
        if file.resolve() == Path(path).resolve():
            inputs = (table.input,) if isinstance(table.input, str) else tuple(table.input)
            found.append(NetworkSettings(name, _call(name, table), inputs, table.loss, table.batch_size, config.where))
    return tuple(found)


def _call(name: str, table: Any) -> str:
    """The network as a target on the command line: ``Net(10, width=64)``."""
    if not table.args and not table.kwargs:
        return name
    words = [repr(value) for value in table.args] + [f"{key}={value!r}" for key, value in table.kwargs.items()]
    return f"{name}({', '.join(words)})"

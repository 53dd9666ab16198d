"""A live network and its training objects, examined in the process that holds them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from nnlint.check import check_graph, check_recipe, tidy
from nnlint.errors import RulePackError
from nnlint.examine.network import Traced, graph_of, report_of
from nnlint.examine.samples import data_set
from nnlint.graph import Graph
from nnlint.recipe import Loader, Optimizer, Recipe
from nnlint.registry import list_rules, load_rules
from nnlint.report.model import FileReport, NetworkReport, Report
from nnlint.selection import choose
from nnlint.settings import Settings
from nnlint.site import Fact, Site
from nnlint.suppress import sift

#: what a recipe calls the network handed over
MODEL = "model"


def examine_model(
    model: nn.Module, traced: Traced, settings: Settings, *, loss: Any = None, optimizer: Any = None, loader: Any = None
) -> Report:
    """Run the rules on a recorded live network and on what is known of its training."""
    names = choose(list_rules(settings.local_rules).rules, settings.select, settings.extend_select, settings.ignore)
    problems: list[RulePackError] = []
    rules = load_rules(names, problems, settings.local_rules)
    timing: dict[str, float] = {}
    file = source_file(model)
    name = type(model).__name__
    graph = graph_of(traced, name, file, () if loss is None else (loss,))
    base = NetworkReport(name, file or "", name, type(model).__qualname__, "traced", "handed over")
    recipe = live_recipe(graph, file or "", optimizer, loader)
    options = settings.options
    found = tidy([*check_graph(graph, rules, timing, options), *check_recipe(recipe, rules, timing, options)])
    sifted = sift(found, settings)
    report = FileReport(
        file or name,
        (report_of(base, traced, graph, rows=settings.rows),),
        sifted.kept,
        tuple(map(str, problems)),
        timing=timing,
        ignored=sifted.ignored,
    )
    return Report((report,))


def source_file(model: nn.Module) -> str | None:
    """The file that defines the class of a network; None for one made in a session, or of torch's own."""
    if type(model).__module__.startswith("torch.nn"):
        return None
    try:
        return inspect.getsourcefile(type(model))
    except (TypeError, OSError):
        return None


def live_recipe(graph: Graph, file: str, optimizer: Any = None, loader: Any = None) -> Recipe:
    """What live training objects tell. They have no source, so their facts stand at the caller's line."""
    site = _caller()
    recipe = Recipe(file=file, graphs={MODEL: graph})
    if optimizer is not None:
        given = Optimizer(type(optimizer).__name__.lower(), site, "optimizer", _settings(optimizer, site), (MODEL,))
        recipe = replace(recipe, optimizers=(given,))
    if loader is not None:
        recipe = replace(recipe, loaders=(_loader(loader, site),))
    return recipe


def _settings(optimizer: Any, site: Site) -> dict[str, Fact[Any]]:
    """The plain arguments of an optimiser: those on which all its groups agree."""
    groups: list[Mapping[str, Any]] = optimizer.param_groups
    plain = (int, float, bool, str, tuple)
    return {
        key: Fact(value, site)
        for key, value in groups[0].items()
        if key != "params" and isinstance(value, plain) and all(group.get(key) == value for group in groups)
    }


def _loader(loader: Any, site: Site) -> Loader:
    from torch.utils.data import DataLoader, RandomSampler, SequentialSampler

    if not isinstance(loader, DataLoader):
        size = getattr(loader, "batch_size", None)
        return Loader(site, "loader", "train", Fact(size, site) if isinstance(size, int) else None)
    sampler = loader.sampler
    usual = isinstance(sampler, RandomSampler | SequentialSampler)
    own = loader.batch_size is None or not usual
    return Loader(
        site,
        "loader",
        "train",
        batch_size=Fact(loader.batch_size, site) if loader.batch_size is not None else None,
        shuffle=Fact(isinstance(sampler, RandomSampler), site) if usual else None,
        sampler=Fact(type(sampler).__name__, site) if own else None,
        drop_last=Fact(loader.drop_last, site),
        num_workers=Fact(loader.num_workers, site),
        pin_memory=Fact(bool(loader.pin_memory), site),
        dataset=Fact(f"{type(loader.dataset).__module__}.{type(loader.dataset).__qualname__}", site),
        data=Fact(data_set(loader.dataset, site), site),
    )


def _caller() -> Site:
    """The line outside nnlint that handed the objects over."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "nnlint":
        frame = frame.f_back
    if frame is None:
        return Site("<python>", 1, 1, 1, 1)
    return Site(frame.f_code.co_filename, frame.f_lineno, 1, frame.f_lineno, 1)

"""Lints mutants and judges what was found: is it the fault, and does the finding stand at the expected expression?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import mutate_activation  # noqa: F401 - registers its mutations, as the others do
import mutate_convolution  # noqa: F401
import mutate_data  # noqa: F401
import mutate_loss  # noqa: F401
import mutate_network  # noqa: F401
import mutate_normalisation  # noqa: F401
import mutate_training  # noqa: F401
from editing import SOUND, Mutant, Span

from nnlint.engine import Session, run
from nnlint.report.model import FileReport
from nnlint.settings import Settings

#: rules that are off unless selected
OPT_IN = ("optimizer-needs-tuning",)


@dataclass(frozen=True)
class Judgement:
    """What nnlint says of a mutant. ``places``: where the findings of its rule stand; ``others``: the other rules."""

    mutant: Mutant
    places: tuple[Span, ...]
    others: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def found(self) -> bool:
        return bool(self.places)

    @property
    def exact(self) -> bool:
        return any(place in self.mutant.spans for place in self.places)


def judge(mutants: Iterable[Mutant], progress: Callable[[int, int], None] | None = None) -> list[Judgement]:
    """Lints every mutant, each in a folder of its own, in one session."""
    mutants = list(mutants)
    with tempfile.TemporaryDirectory() as folder, Session() as session:
        paths = [_written(Path(folder) / str(index), mutant) for index, mutant in enumerate(mutants)]
        report = run(paths, Settings(extend_select=OPT_IN, jobs=2), progress, session=session)
        return [_judged(mutant, file) for mutant, file in zip(mutants, report.files, strict=True)]


def _written(folder: Path, mutant: Mutant) -> str:
    folder.mkdir()
    path = folder / f"{mutant.script}.py"
    path.write_text(mutant.text, encoding="utf-8")
    return str(path)


def _judged(mutant: Mutant, file: FileReport) -> Judgement:
    places = []
    for finding in file.findings:
        if finding.rule == mutant.rule and finding.site is not None:
            site = finding.site
            places.append((site.line, site.column, site.end_line, site.end_column))
    others = sorted({finding.rule for finding in file.findings} - {mutant.rule, *OPT_IN})
    return Judgement(mutant, tuple(places), tuple(others), file.errors)


def of_sound_scripts() -> dict[str, list[str]]:
    """What the default rules say of every sound script: nothing, if all is well."""
    with Session() as session:
        report = run([str(path) for path in sorted(SOUND.glob("*.py"))], Settings(jobs=2), session=session)
    said = {}
    for file in report.files:
        untraced = [f"{network.name}: {network.reason}" for network in file.networks if network.status != "traced"]
        findings = [f"{finding.rule} at {finding.site}: {finding.message}" for finding in file.findings]
        said[Path(file.path).stem] = [*file.errors, *untraced, *findings]
    return said

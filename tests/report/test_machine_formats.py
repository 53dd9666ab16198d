"""GitHub annotations and SARIF: escaped, valid, with every place in the repository."""

import json
from pathlib import Path

import pytest
from sarif_pydantic import Sarif

from nnlint.finding import Edit, Finding, Fix, Related
from nnlint.report import github, sarif
from nnlint.report.model import FileReport, Report
from nnlint.site import Site

SITE = Site("src/my net.py", 3, 9, 3, 30)


def report(*findings: Finding, **fields: object) -> Report:
    return Report((FileReport("src/my net.py", findings=findings, **fields),))


def finding(level: str = "warning", site: Site | None = SITE, **fields: object) -> Finding:
    plain = {"rule": "small-batch", "category": "normalisation", "network": "Net", "paths": ("body.1",)}
    return Finding("50% less, a:b\nand more", site, level=level, **{**plain, **fields})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "tools").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_annotation(repository: Path) -> None:
    assert github.render(report(finding())) == (
        "::warning title=nnlint (small-batch),file=src/my net.py,line=3,endLine=3,col=9,endColumn=30::"
        "50%25 less, a:b%0Aand more\n"
    )


def test_several_lines_have_no_columns(repository: Path) -> None:
    (line,) = github.render(report(finding(site=Site("a,b.py", 3, 9, 5, 2)))).splitlines()
    assert line.startswith("::warning title=nnlint (small-batch),file=a%2Cb.py,line=3,endLine=5::")


def test_the_most_severe_come_first(repository: Path) -> None:
    text = github.render(report(finding("info"), finding("error"), finding(site=None), errors=("it broke",)))
    assert [line.split(" ")[0] for line in text.splitlines()] == ["::error", "::error", "::warning", "::notice"]
    assert text.startswith("::error title=nnlint::src/my net.py: it broke\n")


def test_the_summary_of_a_step(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    github.write_summary(report(finding()))
    assert list(repository.glob("*.md")) == []
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step.md")
    github.write_summary(report(finding()))
    assert "warning small-batch" in Path("step.md").read_text()


def test_sarif_is_valid_and_whole(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fix = Fix((Edit(SITE, "nn.ReLU()"),), safe=True)
    other = Related("`norm`", Site("src/other.py", 1, 1, 1, 5))
    plain = finding(fix=fix, related=(other,), facts={"batch_size": 8})
    nowhere = finding("error", None, rule="rule-of-nobody", paths=())
    given = report(plain, plain, nowhere, ignored=((finding("info"), "tried"),), errors=("it broke",))
    monkeypatch.chdir("tools")
    document = json.loads(sarif.render(given))
    Sarif.model_validate(document)
    (run,) = document["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["rule-of-nobody", "small-batch"]
    assert run["automationDetails"] == {"id": "nnlint/"}
    assert run["invocations"][0]["executionSuccessful"] is False
    first, second, third, fourth = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "tools/src/my%20net.py", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 3, "startColumn": 9, "endLine": 3, "endColumn": 30},
    }
    assert first["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "Net.body.1", "kind": "module"}]
    assert first["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"text": "nn.ReLU()"}
    assert first["level"] == "warning" and third["level"] == "error" and fourth["level"] == "note"
    assert first["partialFingerprints"] != second["partialFingerprints"]
    assert third["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    assert fourth["suppressions"] == [{"kind": "inSource", "justification": "tried"}]
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "small-batch"

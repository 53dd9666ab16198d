"""Finding, reading and loading rule packs, the broken ones too."""

import importlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnlint import registry
from nnlint.errors import RulePackError
from nnlint.registry import list_rules, load_rules

RULE = '''"""Networks are called Net.

Why: they are. What to do: rename. Quiet when they are not.
"""

from nnlint.rule import bad, good, graph_rule


@bad(input="3x8x8")
def called_net():
    return make(
        1,
    )


@good()
def called_otherwise():
    return None


@graph_rule(category="house", level="info", since="1.0", default=False, was=("old-name", "older-name"))
def check(graph):
    yield from ()
'''


class Packs:
    """Packs of others, installed into a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, files: dict[str, str]) -> None:
        # a name of its own in every test: Python keeps the modules it has imported, and what folders held
        package = f"{name}_rules_{uuid.uuid4().hex}"
        (self.folder / package).mkdir()
        (self.folder / package / "__init__.py").write_text("")
        for file, text in files.items():
            (self.folder / package / file).write_text(text)
        importlib.invalidate_caches()
        self.announce(name, package)

    def announce(self, name: str, package: str) -> None:
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[nnlint.rules]\n{name} = {package}\n")


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Packs]:
    monkeypatch.syspath_prepend(str(tmp_path))
    list_rules.cache_clear()
    yield Packs(tmp_path)
    list_rules.cache_clear()


def test_a_rule_is_read_from_its_source(packs: Packs) -> None:
    packs.add("house", {"called_net.py": RULE, "_helper.py": "X = 1"})
    listing = list_rules()
    assert listing.errors == ()
    rule = listing.by_name()["called-net"]
    assert rule is listing.by_name()["older-name"]
    assert (rule.summary, rule.on, rule.category, rule.level) == ("Networks are called Net.", "graph", "house", "info")
    assert (rule.default, rule.was, rule.fix, rule.pack) == (False, ("old-name", "older-name"), None, "house")
    first, second = rule.examples
    assert (first.name, first.bad, first.input, first.source) == (
        "called_net", True, "3x8x8", "return make(\n    1,\n)"
    )  # fmt: skip
    assert (second.name, second.bad, second.source) == ("called_otherwise", False, "return None")
    assert [rule.name for rule in load_rules(["called-net"])] == ["called-net"]


def test_reading_imports_nothing(packs: Packs) -> None:
    packs.add("house", {"called_net.py": "raise SystemExit\n" + RULE.replace('"""', "'''")})
    packs.add("other", {"other_rule.py": RULE + "\nimport a_package_that_does_not_exist\n"})
    assert [str(error.message) for error in list_rules().errors] == [
        "the rule has no docstring, which is its documentation"
    ]
    assert "other-rule" in list_rules().by_name()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(:\n", "the rule cannot be read"),
        ('"""Says nothing."""\n', "expected exactly one check, found 0"),
        (RULE + RULE[RULE.index("@graph_rule") :], "expected exactly one check, found 2"),
        (RULE.replace('level="info"', 'level="fatal"'), "unknown level 'fatal'"),
        (RULE.replace('since="1.0", ', ""), "the check does not say its since"),
        (RULE.replace('"info"', "INFO"), "must be literal"),
    ],
)
def test_a_rule_that_does_not_keep_the_form_costs_only_itself(packs: Packs, text: str, problem: str) -> None:
    packs.add("house", {"broken_rule.py": text, "called_net.py": RULE})
    listing = list_rules()
    assert "called-net" in listing.by_name()
    (error,) = listing.errors
    assert problem in str(error)
    assert "broken_rule.py" in (error.where or "")


def test_a_pack_that_is_not_there_is_named(packs: Packs) -> None:
    packs.announce("ghost", "a_package_that_does_not_exist")
    (error,) = list_rules().errors
    assert "'ghost'" in str(error)
    assert list_rules().rules


def test_a_pack_without_rules_is_an_error(packs: Packs) -> None:
    packs.add("hollow", {})
    (error,) = list_rules().errors
    assert "'hollow' has no rules" in str(error)


def test_no_rules_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    list_rules.cache_clear()
    monkeypatch.setattr(registry, "_entry_points", list)
    try:
        (error,) = list_rules().errors
        assert "no rule pack is installed" in str(error)
        with pytest.raises(RulePackError):
            load_rules()
    finally:
        list_rules.cache_clear()


def test_two_rules_of_one_name_are_an_error(packs: Packs) -> None:
    packs.add("house", {"small_batch.py": RULE})
    (error,) = list_rules().errors
    assert "a rule 'small-batch' exists already" in str(error)
    assert list_rules().by_name()["small-batch"].pack == "nnlint"


def test_a_rule_that_cannot_be_imported_costs_only_itself(packs: Packs) -> None:
    packs.add("house", {"broken_rule.py": RULE + "\n1 / 0\n", "called_net.py": RULE})
    errors: list[RulePackError] = []
    loaded = load_rules(["broken-rule", "called-net"], errors)
    assert [rule.name for rule in loaded] == ["called-net"]
    assert "'house' cannot be loaded: ZeroDivisionError" in str(errors[0])
    with pytest.raises(RulePackError):
        load_rules(["broken-rule"])

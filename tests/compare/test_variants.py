"""What stands against what: targets, a file and itself mended."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from nnlint.compare.variants import ALL_FIXES, AS_WRITTEN, Variants, _alone, fixed, of_targets
from nnlint.config.apply import Configs
from nnlint.errors import NnlintError, UsageError
from nnlint.settings import Settings

NET = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        return self.fc(self.pool(self.relu(self.norm(self.conv(x)))).flatten(1)){softmax}
"""
SCRIPT = """

def main():
    data = torch.utils.data.TensorDataset(torch.rand(64, 1, 8, 8), torch.randint(10, (64,)))
    loader = torch.utils.data.DataLoader(data, batch_size=32{shuffle})
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters())
    judge = nn.CrossEntropyLoss()
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            judge(net(x), y).backward()
            optimizer.step()


if __name__ == "__main__":
    main()
"""
CLEAN = NET.replace("padding=1)", "padding=1, bias=False)").replace("nn.ReLU()", "nn.ReLU(inplace=True)")


def write(folder: Path, text: str, *, softmax: bool = False, shuffle: bool = True) -> str:
    file = folder / "net.py"
    text = text.replace("{softmax}", ".softmax(1)" if softmax else "")
    file.write_text(text.replace("{shuffle}", ", shuffle=True" if shuffle else ""))
    return str(file)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Variants, Path]]:
    folder = tmp_path_factory.mktemp("variants")
    target = write(folder, NET + SCRIPT, softmax=True, shuffle=False)
    before = Path(target).read_bytes()
    yield fixed(target, each=True), Path(target)
    assert Path(target).read_bytes() == before


def test_each_rule_alone_and_all_together(everything: tuple[Variants, Path]) -> None:
    variants, file = everything
    rules = ("bias-before-batch-norm", "relu-not-inplace", "softmax-before-cross-entropy")
    assert [source.label for source in variants.sources] == [AS_WRITTEN, *(f"with {rule}" for rule in rules), ALL_FIXES]
    assert variants.fixes[0] == ()
    assert variants.fixes[1:4] == tuple((rule,) for rule in rules)
    assert sorted(variants.fixes[4]) == sorted(rules)
    assert variants.sources[0].texts == {}
    real = str(file.resolve())
    changed = {"bias=False": (1, 4), "inplace=True": (2, 4)}
    for words, where in changed.items():
        assert tuple(i for i, source in enumerate(variants.sources) if words in source.texts.get(real, "")) == where
    assert ".softmax(1)" not in variants.sources[4].texts[real]
    assert not variants.noise


def test_the_diffs_are_kept(everything: tuple[Variants, Path]) -> None:
    variants, _ = everything
    assert variants.diffs[0] == ""
    assert "+        self.relu = nn.ReLU(inplace=True)" in variants.diffs[2]
    assert variants.diffs[4].count("\n+ ") == 3


def test_what_changes_the_script_alone_is_named_and_left_out(everything: tuple[Variants, Path]) -> None:
    variants, _ = everything
    (note,) = [note for note in variants.notes if "training script alone" in note]
    assert "training-data-not-shuffled" in note
    assert "shuffle=True" not in variants.diffs[4]


def test_some_rules(everything: tuple[Variants, Path]) -> None:
    _, file = everything
    variants = fixed(f"{file}:Net", ["relu-not-inplace"])
    assert [source.label for source in variants.sources] == [AS_WRITTEN, "with relu-not-inplace"]
    assert variants.sources[1].target == f"{file}:Net"
    by_category = fixed(str(file), ["activation", "normalisation"])
    assert sorted(by_category.fixes[1]) == ["bias-before-batch-norm", "relu-not-inplace"]


def test_each_of_one_is_that_one(everything: tuple[Variants, Path]) -> None:
    _, file = everything
    variants = fixed(str(file), ["relu-not-inplace"], each=True)
    assert [source.label for source in variants.sources] == [AS_WRITTEN, "with relu-not-inplace"]
    assert variants.notes == ()


def test_a_rule_that_changes_nothing_alone_is_told() -> None:
    """One that needs another's fix first, and one whose fix is taken back."""
    back = SimpleNamespace(taken_back=(SimpleNamespace(reason="its outputs differ"),))
    nothing = {"first": SimpleNamespace(taken_back=()), "second": back}
    mender = SimpleNamespace(
        target="net.py", with_rules=lambda rules: SimpleNamespace(changes=(), report=nothing[rules[0]])
    )
    variants, notes = _alone(mender, ["first", "second"])
    assert variants == []
    assert "Alone, first was not tried: what it mends is there only after other fixes." in notes
    assert "Alone, second was not tried: it was taken back: its outputs differ." in notes


def test_rules_that_are_ignored(everything: tuple[Variants, Path]) -> None:
    _, file = everything
    settings = Settings(ignore=("relu-not-inplace", "loss"))
    assert fixed(str(file), settings=settings).fixes[1] == ("bias-before-batch-norm",)


def test_the_configuration_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.nnlint]\nignore = ['relu-not-inplace']\n")
    target = write(tmp_path, NET)
    assert "relu-not-inplace" in fixed(target).fixes[1]
    assert fixed(target, configs=Configs()).fixes[1] == ("bias-before-batch-norm",)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dropout before a norm that could only be moved before the next one, and a ReLU that can be mended."""
    file = tmp_path_factory.mktemp("kept") / "net.py"
    file.write_text("""import torch
from torch import nn

# nnlint: input=1x8x8
net = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1, bias=False),
    nn.Dropout(0.2),
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.Conv2d(8, 16, 3, padding=1, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(inplace=True),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(16, 10),
)
""")
    return str(file)


NOT_MOVED = (
    "dropout-before-batch-norm (its fix does not fit here: nnlint rule dropout-before-batch-norm says when it does)"
)


def test_findings_that_stay_are_told(kept: str) -> None:
    variants = fixed(kept)
    assert variants.fixes[1] == ("relu-not-inplace",)
    assert variants.unfixed[0] == ()
    assert NOT_MOVED in variants.unfixed[1]
    # what was not asked for is not missing
    assert fixed(kept, ["relu-not-inplace"]).unfixed[1] == ()


def test_why_a_fix_that_is_asked_for_does_not_apply(kept: str) -> None:
    assert NOT_MOVED in refused(kept, "dropout-before-batch-norm")


# ------------------------------------------------------------------------------------------------------- errors


def refused(target: str, *rules: str) -> str:
    with pytest.raises(UsageError) as caught:
        fixed(target, rules)
    return str(caught.value)


def test_nothing_to_fix(tmp_path: Path) -> None:
    said = refused(write(tmp_path, CLEAN))
    assert "net.py" in said
    assert "nothing to fix" in said or "no fix" in said


def test_findings_without_an_applicable_fix_are_listed(tmp_path: Path) -> None:
    said = refused(write(tmp_path, NET + SCRIPT, softmax=True), "conv-kernel-not-3x3")
    assert "nothing is found that the rules asked for could fix" in said
    assert "relu-not-inplace (has a fix)" in said


def test_fixes_of_the_script_alone(tmp_path: Path) -> None:
    said = refused(write(tmp_path, NET + SCRIPT, shuffle=False), "training-data-not-shuffled")
    assert "The fix of training-data-not-shuffled changes the training script alone" in said


def test_a_rule_that_does_not_exist(tmp_path: Path) -> None:
    said = refused(write(tmp_path, NET), "relu-not-inplaced")
    assert "--fix: there is no rule or category" in said
    assert "did you mean 'relu-not-inplace'" in said


def test_a_part_of_a_name_means_what_is_found(tmp_path: Path) -> None:
    target = write(tmp_path, NET + SCRIPT, softmax=True)
    assert "help: did you mean 'softmax-before-cross-entropy', which is found there?" in refused(target, "softmax")
    assert "did you mean 'bias-before-batch-norm'? " in refused(target, "bias-befor-batch-norm")


def test_the_option_that_names_no_rule_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--ignore: there is no rule or category 'foo'"):
        fixed(write(tmp_path, NET), settings=Settings(ignore=("foo",)))


def test_a_second_file_is_no_rule(tmp_path: Path) -> None:
    assert "is a second one" in refused(write(tmp_path, NET), "other.py")


def test_a_rule_is_no_file(tmp_path: Path) -> None:
    target = write(tmp_path, NET)
    assert f"help: nnlint compare {target} --fix relu-not-inplace" in refused("relu-not-inplace", target)
    with pytest.raises(UsageError, match="rules stand after the file"):
        of_targets([target, "relu-not-inplace"])


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(NnlintError, match="no such file"):
        fixed("nowhere.py")


def test_two_targets_and_one_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(CLEAN)
    two = of_targets(["a.py", "b.py:Net"])
    assert [source.target for source in two.sources] == ["a.py", "b.py:Net"]
    assert not two.noise
    same = of_targets(["a.py", "a.py"])
    assert same.noise
    assert len({source.label for source in same.sources}) == 2
    assert "what chance alone makes" in same.notes[0]
    with pytest.raises(UsageError, match=r"c\.py: there is no such file"):
        of_targets(["a.py", "c.py"])


@pytest.mark.parametrize("targets", [["a.py"], ["a.py", "b.py", "c.py"]])
def test_another_number_of_targets(targets: list[str]) -> None:
    with pytest.raises(UsageError, match="needs two networks"):
        of_targets(targets)

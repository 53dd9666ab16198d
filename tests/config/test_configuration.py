"""The configuration: found, inherited, validated, and what it comes to for each file."""

from pathlib import Path

import pytest

from nnlint import engine
from nnlint.config import find
from nnlint.config.apply import Configs, parse_config_options
from nnlint.config.load import load
from nnlint.errors import UsageError
from nnlint.settings import Settings
from nnlint.targets import expand


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("from torch import nn\n")
    find.closest.cache_clear()
    find.table.cache_clear()
    load.cache_clear()
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def settings(path: str = "net.py", asked: Settings | None = None, **options: object) -> tuple[Settings, list[str]]:
    notes: list[str] = []
    return Configs(**options).settings(path, asked or Settings(), notes), notes  # type: ignore[arg-type]


# -- where it is found


def test_the_closest_file_counts_and_nothing_is_merged(folder: Path) -> None:
    write(folder, "pyproject.toml", '[tool.nnlint]\nselect = ["dropout"]\nfail-on = "info"\n')
    write(folder, "sub/nnlint.toml", 'ignore = ["loss"]\n')
    write(folder, "sub/deeper/net.py", "")
    assert settings()[0].select == ("dropout",)
    inner = settings("sub/deeper/net.py")[0]
    assert (inner.select, inner.ignore, inner.fail_on) == ((), ("loss",), None)


def test_a_pyproject_without_a_table_is_passed_over(folder: Path) -> None:
    write(folder, "pyproject.toml", '[tool.nnlint]\nselect = ["dropout"]\n')
    write(folder, "sub/pyproject.toml", '[project]\nname = "nnlint-user"\n')
    write(folder, "sub/net.py", "")
    assert settings("sub/net.py")[0].select == ("dropout",)


def test_in_one_folder_a_file_of_its_own_comes_first(folder: Path) -> None:
    write(folder, "pyproject.toml", '[tool.nnlint]\nselect = ["dropout"]\n')
    write(folder, ".nnlint.toml", 'select = ["loss"]\n')
    assert settings()[0].select == ("loss",)


def test_isolated_and_given(folder: Path) -> None:
    write(folder, "nnlint.toml", 'select = ["dropout"]\n')
    other = write(folder, "other/strict.toml", 'select = ["loss"]\n')
    assert settings(isolated=True)[0] == Settings()
    assert settings(given=other)[0].select == ("loss",)


# -- what it says


def test_extend_adds_to_what_it_inherits(folder: Path) -> None:
    write(folder, "base.toml", 'ignore = ["loss"]\nfail-on = "error"\n[rules.small-batch]\nlevel = "error"\n')
    write(
        folder,
        "nnlint.toml",
        'extend = "base.toml"\nignore = ["dropout"]\n[rules.missing-activation]\nlevel = "info"\n',
    )
    found = settings()[0]
    assert (found.ignore, found.fail_on) == (("loss", "dropout"), "error")
    assert found.options == {"small-batch": {"level": "error"}, "missing-activation": {"level": "info"}}


def test_a_new_choice_drops_what_was_taken_from_the_old_one(folder: Path) -> None:
    write(folder, "base.toml", 'ignore = ["loss"]\n')
    write(folder, "nnlint.toml", 'extend = "base.toml"\nselect = ["loss"]\n')
    assert (settings()[0].select, settings()[0].ignore) == (("loss",), ())


def test_the_command_line_counts_more(folder: Path) -> None:
    write(folder, "nnlint.toml", 'select = ["dropout"]\nignore = ["loss"]\nfail-on = "error"\n')
    chosen = settings(asked=Settings(select=("loss",), fail_on="info"))[0]
    assert (chosen.select, chosen.ignore, chosen.fail_on) == (("loss",), (), "info")
    added = settings(asked=Settings(ignore=("cuda",), extend_select=("data",)))[0]
    assert (added.select, added.extend_select, added.ignore) == (("dropout",), ("data",), ("loss", "cuda"))


def test_single_keys_from_the_command_line(folder: Path) -> None:
    file = write(folder, "nnlint.toml", 'select = ["dropout"]\n')
    given, overrides = parse_config_options([str(file), 'fail-on = "never"', 'rules.small-batch.level = "info"'])
    found = settings(given=given, overrides=overrides)[0]
    assert (found.select, found.fail_on) == (("dropout",), "never")
    assert found.options == {"small-batch": {"level": "info"}}


def test_networks_are_said_of_their_file(folder: Path) -> None:
    write(
        folder,
        "nnlint.toml",
        """
[[networks]]
target = "net.py:Net"
args = [10, "relu"]
kwargs = {width = 64}
input = ["3x32x32", "mask=bool:32"]
loss = "cross_entropy"
batch-size = 4
[[networks]]
target = "other.py:Net"
""",
    )
    (network,) = settings()[0].networks
    assert network.call == "Net(10, 'relu', width=64)"
    assert (network.inputs, network.loss, network.batch_size) == (("3x32x32", "mask=bool:32"), "cross_entropy", 4)


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("selct = []", "selct", "did you mean 'select'?"),
        ("per_file_ignores = {}", "per_file_ignores", "did you mean 'per-file-ignores'?"),
        ("select = 'dropout'", "select", "found 'dropout'"),
        ("select = ['dropot']", "select", "did you mean 'dropout'?"),
        ("extend-select = ['small-bach']", "extend-select", "did you mean 'small-batch'?"),
        ("fail-on = 'always'", "fail-on", "expected 'error', 'warning', 'info' or 'never', found 'always'"),
        ("rules.small-bach.level = 'info'", "rules.small-bach", "did you mean 'small-batch'?"),
        ("rules.small-batch.level = 'loud'", "rules.small-batch.level", "expected one of error, warning, info, found"),
        ("rules.small-batch.minimun = 3", "rules.small-batch.minimun", "no option 'minimun'"),
        ("networks = [{target = 'net.py:Net', arg = 1}]", "networks.0.arg", "did you mean 'args'?"),
        ("networks = [{args = [1]}]", "networks.0.target", "missing"),
        ("networks = [{target = 'net.py'}]", "networks.target", "expected file.py:Name"),
        ("required-version = '>=900'", "nnlint.toml", "asks for >=900"),
        ("required-version = 'new'", "nnlint.toml", "expected versions such as"),
        ("extend = 'nowhere.toml'", "extend = 'nowhere.toml'", "no such file"),
        ("extend = 'nnlint.toml'", "nnlint.toml", "in a circle"),
        ("local-rules = ['nowhere']", "local-rules", "no rule file or folder"),
        ("select = [", "nnlint.toml", "no valid TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder: Path, text: str, where: str, said: str) -> None:
    write(folder, "nnlint.toml", text + "\n")
    with pytest.raises(UsageError) as caught:
        settings()
    assert where in str(caught.value.where)
    assert said in str(caught.value)


def test_an_ignore_of_no_rule_is_a_note(folder: Path) -> None:
    write(folder, "nnlint.toml", 'ignore = ["smal-batch"]\n[per-file-ignores]\n"tests/*" = ["los"]\n')
    found, notes = settings()
    assert found.ignore == ()
    assert [note.partition(": ")[2] for note in notes] == [
        "ignore: there is no rule or category 'smal-batch'; did you mean 'small-batch'? `nnlint rules` lists them",
        "per-file-ignores: there is no rule or category 'los'; did you mean 'loss'? `nnlint rules` lists them",
    ]


@pytest.mark.parametrize("word", ["nowhere.toml", "select = ", "= 3"])
def test_a_wrong_word_of_the_command_line(folder: Path, word: str) -> None:
    with pytest.raises(UsageError):
        parse_config_options([word])


# -- which files


def names(*paths: str, **options: object) -> list[str]:
    targets = expand(paths, Configs(**options).excludes)  # type: ignore[arg-type]
    return [Path(target.path).as_posix() for target in targets]


def test_excluded_files_are_left_out_unless_given(folder: Path) -> None:
    write(folder, "nnlint.toml", 'exclude = ["old/", "*_gen.py"]\n')
    for name in ("old/a.py", "new/b.py", "new/c_gen.py"):
        write(folder, name, "")
    assert names(".") == ["net.py", "new/b.py"]
    assert names("old/a.py", "new/c_gen.py") == ["old/a.py", "new/c_gen.py"]
    assert names("old/a.py", "new/c_gen.py", "net.py", force_exclude=True) == ["net.py"]
    assert names("old", force_exclude=True) == []


def test_what_git_ignores_is_left_out(folder: Path) -> None:
    (folder / ".git").mkdir()
    write(folder, ".gitignore", "runs/\n*.tmp.py\n")
    write(folder, "sub/.gitignore", "!kept.tmp.py\nlocal.py\n")
    for name in ("runs/a.py", "b.tmp.py", "sub/kept.tmp.py", "sub/local.py", "sub/c.py"):
        write(folder, name, "")
    assert names(".") == ["net.py", "sub/c.py", "sub/kept.tmp.py"]
    assert names("runs/a.py") == ["runs/a.py"]
    write(folder, "nnlint.toml", "respect-gitignore = false\n")
    find.closest.cache_clear()
    assert "runs/a.py" in names(".")


def test_outside_a_repository_no_gitignore_counts(folder: Path) -> None:
    write(folder, ".gitignore", "net.py\n")
    assert names(".") == ["net.py"]


# -- a whole run

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.drop, self.norm = nn.Dropout(0.5), nn.BatchNorm2d(width)
        self.conv, self.head = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.norm(self.drop(self.conv(x))).relu().mean((2, 3)))
"""


def test_a_network_is_built_and_run_as_the_configuration_says(folder: Path) -> None:
    write(folder, "net.py", NET)
    write(
        folder,
        "nnlint.toml",
        """
[[networks]]
target = "net.py:Net"
kwargs = {width = 8, classes = 4}
input = "3x24x24"
[rules.dropout-before-batch-norm]
level = "info"
""",
    )
    report = engine.run(["net.py"], Settings(select=("dropout-before-batch-norm",)), configs=Configs())
    (network,) = report.networks
    assert (network.status, network.inputs) == ("traced", ("2x3x24x24",))
    assert network.input_source.endswith("nnlint.toml")
    assert [(found.rule, found.level) for found in report] == [("dropout-before-batch-norm", "info")]


LOCAL = '''"""A network has a batch norm, which this project does not want.

What to do: take it out.

Quiet when: there is none.
"""

from nnlint.kinds import batch_norm
from nnlint.rule import graph_rule


@graph_rule(category="house", level="warning", since="1.0")
def check(graph, *, most: int = 0):
    """Counts."""
    norms = list(graph.find(batch_norm))
    if len(norms) > most:
        yield norms[0].finding(f"{len(norms)} batch norms")
'''


def test_a_local_rule_runs_with_its_options(folder: Path) -> None:
    write(folder, "net.py", NET + "\n\nnet = Net(8, 4)\nnet(torch.rand(2, 3, 16, 16))\n")
    write(folder, "lint/batch_norm_at_all.py", LOCAL)
    config = write(folder, "nnlint.toml", 'local-rules = ["lint"]\nselect = ["house"]\n')
    assert [found.rule for found in engine.run(["net.py"], configs=Configs())] == ["batch-norm-at-all"]
    config.write_text(config.read_text() + "[rules.batch-norm-at-all]\nmost = 1\n")
    for cached in (find.closest, find.table, load):
        cached.cache_clear()
    assert not engine.run(["net.py"], configs=Configs()).findings
    config.write_text('local-rules = ["lint"]\nselect = ["house"]\nrules.batch-norm-at-all.most = "many"\n')
    for cached in (find.closest, find.table, load):
        cached.cache_clear()
    with pytest.raises(UsageError, match=r"expected a whole number \(the default is 0\), found 'many'"):
        engine.run(["net.py"], configs=Configs())

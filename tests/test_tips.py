"""The tips put to the test: the experiments are what they say, and what is written of the results is what they are.

The trainings themselves are not repeated here: `python examples/tips/run.py` makes them.
"""

from __future__ import annotations

import ast
import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nnlint.__main__ import main
from nnlint.adapt.adapt import adapt_all
from nnlint.adapt.model import NetworkSource
from nnlint.cli.rule import comparison_line
from nnlint.engine import Session
from nnlint.engine import run as lint
from nnlint.errors import RulePackError
from nnlint.registry import list_measured, list_rules, list_tips
from nnlint.settings import Settings
from nnlint.train.data.load import load_data
from nnlint.train.data.model import Arrays, Data

ROOT = Path(__file__).parent.parent
TIPS = ROOT / "examples" / "tips"


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


with importable(TIPS):
    import _bench
    import _data
    import _experiments
    import _render
    import _results
    import _words
    import run
with importable(ROOT / ".ci"):
    import tips as readme

EXPERIMENTS = _experiments.EXPERIMENTS
every_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)


@pytest.fixture(scope="module")
def data() -> dict[tuple[str, int | None], Data]:
    wanted = {(experiment.data, experiment.side) for experiment in EXPERIMENTS}
    return {(name, side): load_data(name, size=(side, side) if side else None) for name, side in wanted}


# ------------------------------------------------------------------------------------------------- the experiments


def test_every_tip_is_measured_or_it_is_said_why_not() -> None:
    measured = {experiment.tip for experiment in EXPERIMENTS}
    assert measured | set(_experiments.UNMEASURED) == {tip.key for tip in list_tips()}
    assert not measured & set(_experiments.UNMEASURED)


def test_every_file_is_of_a_tip() -> None:
    files = {path.name for path in TIPS.glob("*.py") if not path.name.startswith("_")}
    assert files == {experiment.file for experiment in EXPERIMENTS} | {"run.py"}


def test_every_network_is_used() -> None:
    """Classes that nobody compares would be read as if they were."""
    used = {(one.file, side.network) for one in EXPERIMENTS for side in (one.following, one.departing)}
    for file in {one.file for one in EXPERIMENTS}:
        tree = ast.parse((TIPS / file).read_text(encoding="utf-8"))
        classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        assert classes - {name for of, name in used if of == file} <= {"NormOfParts"}, file


@every_experiment
def test_form(experiment: Any) -> None:
    doc = ast.get_docstring(ast.parse((TIPS / experiment.file).read_text(encoding="utf-8"))) or ""
    assert "\nHeld equal: " in doc
    assert "\nDifferent: " in doc
    assert sum(one.name == experiment.name for one in EXPERIMENTS) == 1
    assert experiment.rule is None or experiment.tip in list_rules().by_name()[experiment.rule].tips
    assert bool(experiment.saves) == (experiment.claim == "cheaper")


@every_experiment
def test_the_two_differ_and_fit_their_data(experiment: Any, data: dict[tuple[str, int | None], Data]) -> None:
    a, b = experiment.departing, experiment.following
    assert replace(a, label="") != replace(b, label="")
    sources = [NetworkSource(f"{TIPS / experiment.file}:{side.network}") for side in (a, b)]
    shown = data[experiment.data, experiment.side]
    size = (experiment.side, experiment.side) if experiment.side else None
    adapted = adapt_all(sources, shown, size=size)
    assert [one.outputs for one in adapted] == [shown.outputs] * 2
    assert [one.name for one in adapted] == [a.network, b.network]
    for side, one in zip((a, b), adapted, strict=True):
        assert _bench.objective(side, one, shown).metric == ("r2" if shown.task == "numbers" else "accuracy")


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session() as session, contextlib.chdir(ROOT):
        yield session


@pytest.mark.parametrize("experiment", [one for one in EXPERIMENTS if one.rule], ids=lambda one: one.name)
def test_the_departing_network_is_reported_and_the_following_one_is_not(experiment: Any, session: Session) -> None:
    settings = Settings(inputs=(f"1x{experiment.side}x{experiment.side}",), select=(experiment.rule,))
    for side, said in ((experiment.departing, {experiment.rule}), (experiment.following, set())):
        report = lint([f"examples/tips/{experiment.file}:{side.network}"], settings, session=session)
        assert [network.status for network in report.networks] == ["traced"]
        assert {finding.rule for finding in report.findings} == said, side.network


# ---------------------------------------------------------------------------------------------------------- the data


@pytest.fixture
def digits(data: dict[tuple[str, int | None], Data]) -> Data:
    return _data.some(data["digits", 8], 40, 3)


def test_some_are_others_for_each_seed(data: dict[tuple[str, int | None], Data]) -> None:
    every = data["digits", 8]
    assert _data.some(every, None, 0) is every
    first, again, other = (_data.some(every, 40, seed).train for seed in (0, 0, 1))
    assert len(first) == 40
    assert first.inputs.equal(again.inputs)
    assert not first.inputs.equal(other.inputs)


def test_grouped_samples_are_grouped(digits: Data) -> None:
    targets = [int(one) for _, batch in _data.grouped(digits, 0).train.loader for one in batch]
    assert targets == sorted(digits.train.targets.tolist())


def test_one_order_is_the_same_in_every_epoch_and_not_grouped(digits: Data) -> None:
    loader = _data.one_order(digits, 0).train.loader
    first, second = ([int(one) for _, batch in loader for one in batch] for _ in range(2))
    assert first == second != sorted(first)
    assert sorted(first) == sorted(digits.train.targets.tolist())


def test_prepared_and_unprepared_samples_are_the_same_numbers(digits: Data) -> None:
    ahead, anew = _data.prepared(digits, 0), _data.unprepared(digits, 0)
    assert ahead.shape == anew.shape == (1, 16, 16)
    for i in (0, 17, 39):
        (image, target), (other, number) = anew.train.dataset[i], ahead.train.dataset[i]
        assert image.equal(other)
        assert target == number
    assert isinstance(anew.test, Arrays)
    assert anew.test.inputs.equal(ahead.test.inputs)


# --------------------------------------------------------------------------------------------------------- the runner


def test_a_pair_is_trained_from_one_seed() -> None:
    pair = _bench.pair("in-place/norm", "adamw", 1, epochs=1)
    assert (pair.order, pair.seed) == ("BA", 1)
    assert (pair.a.ending, pair.b.ending) == ("finished", "finished")
    assert pair.a.losses_digest == pair.b.losses_digest
    assert pair.a.steps == pair.b.steps == 5


def test_what_cannot_be_trained_is_a_result() -> None:
    pair = _bench.pair("sigmoid-with-bce/without", "adamw", 0, epochs=1)
    assert (pair.a.ending, pair.b.ending) == ("failed", "finished")
    departing, following = _bench.described("sigmoid-with-bce/without", "adamw")
    assert departing["peak_bytes"] is None
    assert following["peak_bytes"] > following["answer_bytes"] > 0


def test_a_norm_of_parts_sees_parts() -> None:
    """Two parts of different scale: each comes out with variance 1, which a norm of the whole does not do."""
    torch = pytest.importorskip("torch")
    module = _loaded(TIPS / "large_batches.py")
    batch = torch.cat([torch.randn(4, 2, 5, 5), 50 * torch.randn(4, 2, 5, 5)])
    norm = module.NormOfParts(2, 4)
    assert all(abs(part.var(unbiased=False) - 1) < 0.05 for part in norm(batch).split(4))
    assert torch.nn.BatchNorm2d(2)(batch)[:4].var() < 0.05
    assert norm.eval()(batch).equal(super(module.NormOfParts, norm).forward(batch))


def _loaded(path: Path) -> ModuleType:
    module = ModuleType(path.stem)
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
    return module


@pytest.mark.parametrize(
    ("only", "said"),
    [
        ("batchnorm", "there is no such tip; did you mean batch-norm?"),
        ("xyz", "there is no such tip; tips are small-kernels, "),
        ("gpu-and-cudnn", "this tip is not put to the test. It needs a CUDA GPU"),
    ],
)
def test_a_wrong_name_is_explained(only: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run.main(["--only", only])
    assert stopped.value.code == 2
    assert f"--only {only}: {said}" in capsys.readouterr().err


def test_a_name_is_a_tip_or_one_of_its_comparisons() -> None:
    parser = run.argparse.ArgumentParser()
    assert [one.name for one in run._named("batch-norm", parser)] == ["batch-norm"]
    assert [one.name for one in run._named("in-place", parser)] == ["in-place/norm", "in-place/wide"]
    assert [one.name for one in run._named("in-place/wide", parser)] == ["in-place/wide"]
    assert run._named("", parser) == list(EXPERIMENTS)


def test_what_is_measured_is_kept_and_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(TIPS)  # as it is where run.py is the script: the processes import from there
    file = tmp_path / "results.json"
    load, save = _results.load, _results.save
    monkeypatch.setattr(_results, "load", lambda: load(file))
    monkeypatch.setattr(_results, "save", lambda results: save(results, file))
    monkeypatch.setattr(_render, "PAGE", tmp_path / "TIPS.md")
    monkeypatch.setattr(_render, "MEASURED", tmp_path / "_measured.py")
    arguments = ["--only", "sigmoid-with-bce/without", "--seeds", "1", "--jobs", "1"]
    assert run.main(arguments) == 0
    assert "3 comparisons, 0 of them made before; 1 seeds" in capsys.readouterr().out
    kept = file.read_bytes()
    assert run.main(arguments) == 0
    assert "3 comparisons, 3 of them made before" in capsys.readouterr().out
    assert file.read_bytes() == kept
    page = (tmp_path / "TIPS.md").read_text(encoding="utf-8")
    assert "1 of 1 trainings of “BCE without sigmoid” did not finish (step 1: RuntimeError" in page
    assert "Holds in all 3 comparisons." in page
    # other settings are another measurement
    experiment = EXPERIMENTS[0]
    prints = {_bench.fingerprint(experiment, recipe, seeds) for recipe in ("adamw", "sgd") for seeds in (6, 8)}
    assert len(prints) == 4


def test_what_a_file_says_is_not_what_it_does(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    codes = []
    for text in ('"""Says this."""\nX = 1\n', '"""Says that."""\n# and more\nX = 1\n', "X = 2\n"):
        file.write_text(text)
        codes.append(_bench._code(file))
    assert codes[0] == codes[1] != codes[2]


def test_a_sigmoid_s_answer_is_yes_above_a_half_whatever_judges_it(data: dict[tuple[str, int | None], Data]) -> None:
    torch = pytest.importorskip("torch")
    (experiment,) = [one for one in EXPERIMENTS if one.name == "sigmoid-with-bce/twice"]
    shown = data["breast-cancer", None]
    sides = (experiment.departing, experiment.following)
    sources = [NetworkSource(f"{TIPS / experiment.file}:{side.network}") for side in sides]
    a, b = (_bench.objective(side, one, shown) for side, one in zip(sides, adapt_all(sources, shown), strict=True))
    assert a.loss_name == b.loss_name == "binary_cross_entropy_with_logits"
    outputs = torch.tensor([[-0.1], [0.4], [0.6]])
    assert a.answers(outputs).tolist() == [0, 0, 1]
    assert b.answers(outputs).tolist() == [0, 1, 1]


def test_the_squared_error_of_classes_is_summed_over_them(data: dict[tuple[str, int | None], Data]) -> None:
    torch = pytest.importorskip("torch")
    (experiment,) = [one for one in EXPERIMENTS if one.name == "loss-fits-task/classes"]
    shown = data["digits", 8]
    (one,) = adapt_all([NetworkSource(f"{TIPS / experiment.file}:{experiment.departing.network}")], shown)
    judge = _bench.objective(experiment.departing, one, shown)
    certain_and_wrong = torch.eye(10)[[1, 2]]
    assert float(judge.loss(certain_and_wrong, torch.tensor([0, 2]))) == pytest.approx((2 + 0) / 2)


# -------------------------------------------------------------------------------------------------------- the results


def test_what_is_written_is_what_was_measured() -> None:
    for path, text in _render.generated(_results.load()).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `python examples/tips/run.py --render`"


def test_what_was_measured_belongs_to_the_experiments_as_they_are() -> None:
    results = _results.load()
    for row in _results.rows(results):
        seeds = len(row.cell["following"]["scores"])
        assert row.cell["fingerprint"] == _bench.fingerprint(row.experiment, row.recipe, seeds), row.experiment.name
    assert set(results.cells) <= {one.name for one in EXPERIMENTS}


def made(
    experiment: str, recipe: str, mean: float, verdict: str, p: float | None = 0.0078, **sides: Any
) -> dict[str, Any]:
    """Results with one comparison."""
    side = {
        "scores": [0.5] * 8, "endings": ["finished"] * 8, "reason": "", "baseline": 0.1, "seconds": 1.0, "steps": 1,
        "params": 10, "macs": 10, "peak_bytes": 100, "answer_bytes": 100,
    }  # fmt: skip
    cell = {
        "effect": {
            "metric": "accuracy", "deltas": [mean] * 8, "mean": mean, "sd": 0.0, "low": mean, "high": mean, "p": p,
            "verdict": verdict,
        },
        "departing": side | sides.get("departing", {}),
        "following": side | sides.get("following", {}),
        "fingerprint": "",
    }  # fmt: skip
    return {experiment: {recipe: cell}}


@pytest.mark.parametrize(
    ("cells", "verdict", "status"),
    [
        (made("batch-norm", "sgd", 0.1, "better"), "better", "holds"),
        (made("batch-norm", "sgd", -0.1, "worse"), "worse", "contrary"),
        (made("batch-norm", "sgd", 0.01, "no evidence", 0.3), "no evidence", "no evidence"),
        (made("batch-norm", "sgd", 0.01, "too few seeds", None), "too few seeds", "undecided"),
        (
            made("batch-norm", "sgd", 0.0, "failed", None, departing={"scores": [None] * 8}),
            "departing cannot be trained",
            "holds",
        ),
        (made("batch-norm", "sgd", 0.0, "failed", None, following={"scores": [None] * 8}), "failed", "undecided"),
        (made("relu-family/gelu", "sgd", 0.0, "no evidence", 0.6), "no evidence", "holds"),
        # that nothing is found is not that nothing is there: the interval reaches too far
        (made("relu-family/gelu", "sgd", -0.03, "no evidence", 0.6), "no evidence", "no evidence"),
        (made("relu-family/gelu", "sgd", -0.01, "worse"), "worse", "holds"),
        (made("relu-family/gelu", "sgd", 0.1, "better"), "better", "contrary"),
        (made("in-place/norm", "sgd", 0.0, "bit-identical"), "bit-identical", "contrary"),
        (
            made("in-place/norm", "sgd", 0.0, "bit-identical", following={"answer_bytes": 80}),
            "bit-identical",
            "holds",
        ),
        (made("in-place/norm", "sgd", 0.0, "no evidence", 0.5), "no evidence", "contrary"),
        (made("sigmoid-with-bce/without", "sgd", 0.0, "no evidence", 0.5), "no evidence", "contrary"),
    ],
)  # fmt: skip
def test_what_a_verdict_says_of_its_tip(cells: dict[str, Any], verdict: str, status: str) -> None:
    (row,) = _results.rows(_results.Results(cells))
    assert (row.verdict, row.status) == (verdict, status)


def test_many_comparisons_are_counted_on() -> None:
    """p = 0.03 among nine others that say nothing is no evidence."""
    cells: dict[str, Any] = made("batch-norm", "sgd", 0.1, "better", 0.03)
    for one in [one for one in EXPERIMENTS if "sgd" in one.recipes][:9]:
        cells |= made(one.name, "sgd", 0.0, "no evidence", 0.9)
    (row,) = [row for row in _results.rows(_results.Results(cells)) if row.experiment.name == "batch-norm"]
    assert row.q == pytest.approx(0.3)
    assert row.verdict == "no evidence"


def test_adjusted_p_values() -> None:
    """The example of Benjamini and Hochberg 1995, section 3: at 5 % the first four of fifteen are found."""
    ps = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    ps += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    adjusted = _results.benjamini_hochberg(ps)
    assert [q <= 0.05 for q in adjusted] == [True] * 4 + [False] * 11
    assert adjusted == sorted(adjusted)
    assert adjusted[0] == pytest.approx(0.0015)
    assert adjusted[-1] == 1.0
    assert _results.benjamini_hochberg(ps[::-1]) == adjusted[::-1]
    assert _results.benjamini_hochberg([]) == []


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["holds"], "holds in the one comparison"),
        (["holds"] * 3, "holds in all 3 comparisons"),
        (["holds", "no evidence", "holds"], "holds in 2 of 3 comparisons, no evidence in 1"),
        (["holds", "contrary", "undecided"], "holds in 1 of 3 comparisons, not in 1, undecided in 1"),
        (["contrary", "no evidence"], "does not hold in 1 of 2 comparisons, no evidence in 1"),
        (["no evidence"] * 2, "no evidence in 2 of 2 comparisons"),
        (["no evidence", "undecided"], "no evidence in 1 of 2 comparisons, undecided in 1"),
        (["undecided"], "undecided in 1 of 1 comparison"),
    ],
)
def test_readings(statuses: list[str], said: str) -> None:
    (row,) = _results.rows(_results.Results(made("batch-norm", "sgd", 0.1, "better")))
    assert _words.reading([replace(row, status=status) for status in statuses]) == said


def test_what_should_score_alike_is_read_by_how_far_apart_it_may_be() -> None:
    (row,) = _results.rows(_results.Results(made("relu-family/gelu", "sgd", 0.0, "no evidence", 0.6)))
    rows = [replace(row, status=status) for status in ("holds", "contrary", "no evidence", "undecided", "holds")]
    said = "alike to within 2 points in 2 of 5 that should be, different in 1, undecided in 2"
    assert _words.reading(rows) == said


def test_results_that_are_kept_are_read_again(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    results = _results.Results(made("batch-norm", "sgd", float("nan"), "failed", None) | {"gone": {}})
    _results.save(results, file)
    assert json.loads(file.read_text())["cells"].keys() == {"batch-norm"}
    again = _results.load(file)
    assert again.cells["batch-norm"]["sgd"]["effect"]["mean"] is None
    assert "Not measured yet" in _render.page(again)
    assert _results.load(tmp_path / "none.json") == _results.Results()


# -------------------------------------------------------------------------------------------------- the rules' pages


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The rules with measurements that are made up here: what is shown does not hang on what was measured."""
    from nnlint import registry

    folder = tmp_path / "pack"
    folder.mkdir()
    for file in (ROOT / "rules").glob("*.py"):
        (folder / file.name).symlink_to(file) if file.name != "_measured.py" else None
    cells = made("batch-norm", "sgd", 0.101, "better") | made("in-place/norm", "adamw", 0.0, "bit-identical", 1.0)
    text = _render.measured(_results.Results(cells))
    (folder / "_measured.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(registry, "_folder", lambda _: folder)
    registry.list_rules.cache_clear()
    yield folder
    registry.list_rules.cache_clear()


def test_a_rule_shows_what_its_tip_was_measured_to_be_worth(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "no-normalisation"]) == 0
    out = capsys.readouterr().out
    assert "Measured: batch-norm: holds in the one comparison; what following it changes (examples/TIPS.md says" in out
    assert "\n  batch norm against none (300 digits, 8x8, SGD): +10.1 [+10.1, +10.1] points, better\n" in out
    assert main(["rule", "relu-not-inplace"]) == 0
    assert "(300 digits, 8x8, AdamW): bit-identical\n" in capsys.readouterr().out


def test_measurements_as_json(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "no-normalisation", "--output-format", "json"]) == 0
    (measured,) = json.loads(capsys.readouterr().out)["measured"]
    assert (measured["tip"], measured["reading"]) == ("batch-norm", "holds in the one comparison")
    assert measured["comparisons"] == [
        {
            "compared": "batch norm against none", "data": "300 digits, 8x8", "metric": "accuracy", "recipe": "SGD",
            "effect": 10.1, "low": 10.1, "high": 10.1, "p": 0.0078, "verdict": "better",
        }
    ]  # fmt: skip


def test_the_pages_of_rules_and_the_table_show_the_same_figures() -> None:
    shown = [comparison_line(one) for tip in list_measured().values() for one in tip.comparisons]
    rows = [row for _, rows in _results.by_tip(_results.rows(_results.load())) for row in rows]
    assert len(shown) == len(rows)
    for line, row in zip(shown, rows, strict=True):
        if row.cell["effect"]["low"] is not None and row.verdict != "bit-identical":
            in_table = _words.effect_of(row.cell).replace("\N{MINUS SIGN}", "-")
            in_page = line.partition("): ")[2].partition(" points")[0].partition(" hundredths")[0]
            assert in_page.replace("+0.0", "0.0") == in_table, line


def test_nothing_is_shown_where_nothing_was_measured(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "small-batch", "--output-format", "json"]) == 0
    measured = json.loads(capsys.readouterr().out)["measured"]
    assert [one["tip"] for one in measured] == ["batch-norm"]
    (pack / "_measured.py").unlink()
    assert main(["rule", "no-normalisation"]) == 0
    assert "Measured" not in capsys.readouterr().out


def test_measurements_that_cannot_be_read(pack: Path) -> None:
    wrong = "MEASURED = {'batch-norm': ('holds', '+1.0', [('a', 'b', 'accuracy', [('SGD',)])])}\n"
    (pack / "_measured.py").write_text(wrong)
    with pytest.raises(RulePackError, match="the measurements cannot be read"):
        list_measured()


def test_the_table_of_the_readme(pack: Path) -> None:
    lines = readme.table().splitlines()
    assert lines[2:] == [
        "| Let activations work in place, which saves memory | 0.0 | "
        "[does not hold in 1 of 1 comparison](examples/TIPS.md#in-place) |",
        "| Use batch norm | +10.1 | [holds in the one comparison](examples/TIPS.md#batch-norm) |",
    ]
    (pack / "_measured.py").write_text("MEASURED = {}\n")
    assert readme.table() == "Nothing has been measured yet.\n"


def test_the_literal_is_as_the_formatter_writes_it() -> None:
    """Every line has room, and what was measured is read back."""
    cells = made("sigmoid-with-bce/without", "adamw", 0.0, "failed", None, departing={"scores": [None] * 8})
    text = _render.measured(_results.Results(cells))
    assert max(map(len, text.splitlines())) <= 120
    assert text.count('("AdamW", 0.0, 0.0, 0.0, None, "departing cannot be trained"),\n') == 1
    assert _render.measured(_results.Results()).endswith("\nMEASURED: dict[str, object] = {}\n")

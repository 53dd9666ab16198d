"""The printed report and the JSON document, of comparisons made by hand."""

import json
import math
from dataclasses import replace

from made import comparison, diverged, out_of_memory, pairs

from nnlint.compare.text import document, render
from nnlint.train.config import TrainConfig
from nnlint.train.objective import STATED
from nnlint.train.results import Trained

LOW = [0.90, 0.91, 0.92, 0.90, 0.91, 0.92, 0.90, 0.91]
HIGH = [one + 0.02 + i / 1000 for i, one in enumerate(LOW)]


def test_what_a_comparison_rests_on_is_printed() -> None:
    text = render([comparison(pairs(LOW, HIGH))])
    assert "data: digits: 1×8×8 a sample" in text
    assert "recipe: 20 epochs, batches of 64, AdamW, one-cycle, weight decay 0.01" in text
    assert "The recipe decides how big a difference looks" in text
    assert "p tells chance in training, not what other data would say" in text
    assert "A  plain: plain.py" in text
    assert "learning rate 0.003" in text
    assert "B (mended) is better than A (plain) by 2.35 points (p = 0.0078, 8 seeds)." in text
    assert "95 % interval +" in text
    assert ["memory", "of", "a", "step", "3", "MiB", "3", "MiB", "1.00"] in [line.split() for line in text.splitlines()]
    assert "torch 2.13.0, processes 2" in text
    assert "\u00a0" not in text


def test_a_line_for_each_seed_and_which_was_first() -> None:
    lines = render([comparison(pairs(LOW, HIGH))]).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("accuracy on the test data"))
    rows = [line.split() for line in lines[start + 2 : start + 10]]
    assert [row[0] for row in rows] == [str(seed) for seed in range(8)]
    assert [row[-1] for row in rows] == ["A", "B"] * 4
    assert rows[0][1:6] == ["90.0", "%", "92.0", "%", "+2.00"]
    assert lines[start + 1].endswith("trained first")
    # training losses are 1 - score in the last epoch; the validation losses 0.1 above them
    assert "Their losses of an epoch differ by at most 0.027 in training and 0.027 in validation." in lines


def test_a_network_against_itself_shows_both_seeds() -> None:
    made = [replace(pair, seed_b=pair.seed + 1000) for pair in pairs([0.9, 0.9], [0.8, diverged()])]
    text = render([comparison(made)])
    assert "  seeds A / B" in text
    assert "  0 / 1000 " in text
    assert "seed 1001, mended: diverged" in text


def test_one_pair_has_no_spread() -> None:
    assert "(sd)" not in render([comparison(pairs([0.9], [0.8]))])
    assert "(sd)" in render([comparison(pairs([0.9, 0.9], [0.8, 0.8]))])


def test_runs_that_did_not_finish_are_named() -> None:
    text = render([comparison(pairs([diverged(), *LOW[1:]], [*HIGH[:7], out_of_memory()]))])
    assert "seed 0, plain: diverged (the loss of step 7 is nan)" in text
    assert "seed 7, mended: failed (its process was ended by SIGKILL)" in text
    assert "2 pairs are missing" in text


def test_nothing_finished() -> None:
    text = render([comparison(pairs([diverged()] * 2, [diverged()] * 2))])
    assert "Failed: A (plain) did not finish for any of 2 seeds" in text
    assert "B - A, accuracy" not in text


def refused() -> Trained:
    return replace(out_of_memory(), steps=0, first_loss=math.nan, reason="RuntimeError: sizes")


def test_another_loss_is_offered_where_the_stated_one_fails() -> None:
    made = comparison(pairs([refused()] * 2, [0.9, 0.9]))
    assert "help:" not in render([made])
    made = replace(made, a=replace(made.a, why=STATED))
    assert "help: --loss gives both another loss than the one that is stated" in render([made])
    made = replace(made, a=replace(made.a, loss="mse_loss"))
    assert "help: --loss gives both the same loss" in render([made])
    made = comparison(pairs([0.9, 0.9], [refused()] * 2))
    made = replace(made, b=replace(made.b, why=STATED, loss="mse_loss"))
    assert "help: --loss cross-entropy gives both the same loss" in render([made])


def test_a_lower_rate_is_offered_where_all_runs_diverged() -> None:
    made = comparison(pairs([diverged()] * 2, [diverged()] * 2))
    made = replace(made, a=replace(made.a, why=STATED))
    text = render([made])
    assert "--loss" not in text
    assert "help: the learning rate was 0.003: give a lower --lr, or let --lr-sweep 3 find each network's own" in text
    high = TrainConfig(lr=1e8)
    text = render([replace(made, a=replace(made.a, config=high), b=replace(made.b, config=high))])
    assert "help: the learning rate was 1e+08: give a lower --lr\n" in text
    at_once = replace(diverged(), first_loss=math.nan)
    assert "help:" not in render([comparison(pairs([at_once] * 2, [at_once] * 2))])


def test_rates_losses_and_the_diff_are_shown() -> None:
    made = comparison(pairs(LOW, HIGH))
    made = replace(
        made,
        a=replace(made.a, rates={0.001: 0.8, 0.003: 0.9}, loss="binary_cross_entropy"),
        b=replace(made.b, rates={0.001: 0.95, 0.003: math.nan}, config=TrainConfig(lr=0.001)),
        diff="--- a/net.py\n+++ b/net.py\n-  old\n+  new\n",
        fixes=("relu-not-inplace",),
        unfixed=("conv-kernel-not-3x3 (no fix)", "some-rule (taken back: it brings about another)"),
    )
    text = render([made])
    rows = [line.split() for line in text.splitlines()]
    assert ["0.003", "90.0", "%", "*", "–"] in rows
    assert ["0.001", "80.0", "%", "95.0", "%", "*"] in rows
    assert "A is best at an end of the rates that were tried" in text
    assert "different losses, binary_cross_entropy and cross_entropy" in text
    fixed, unfixed, diff = text.splitlines()[-8:-5]
    assert fixed == "fixes in B, unsafe ones included, the file left as it is: relu-not-inplace"
    assert unfixed == "not fixed: conv-kernel-not-3x3 (no fix), some-rule (taken back: it brings about another)"
    assert diff == "--- a/net.py"
    proved = replace(made, effect=replace(made.effect, verdict="bit-identical"))
    assert "different losses" not in render([proved])


def test_several_have_an_overview_that_warns_of_many_tests() -> None:
    text = render([comparison(pairs(LOW, HIGH)), comparison(pairs(LOW, LOW)), comparison(pairs(HIGH, LOW))], ["a note"])
    assert "note: a note" in text
    overview = text.split("against plain")[1]
    assert "bit-identical" in overview
    assert "2 tests were made" in overview


def test_the_document_holds_everything() -> None:
    made = comparison(pairs([diverged(), *LOW[1:]], HIGH))
    made = replace(made, effect=replace(made.effect, low=-math.inf))
    found = json.loads(document([made], ["said"]))
    assert found["schema_version"] == 1
    assert found["notes"] == ["said"]
    (one,) = found["comparisons"]
    assert one["effect"]["low"] is None
    assert one["pairs"][0]["delta"] is None
    assert one["pairs"][1]["delta"] == HIGH[1] - LOW[1]
    assert one["pairs"][1]["a"]["epochs"][0]["train_loss"] == 1.0
    assert one["a"]["rate"] == 0.003
    assert one["sentence"].startswith("B (mended) is better than A (plain)")
    assert one["unfinished"] == ["seed 0, plain: diverged (the loss of step 7 is nan)"]

"""The text form of example inputs: what it means, and what is said about a wrong one."""

from __future__ import annotations

import pytest

from nnlint.errors import InputError
from nnlint.script.inputs import parse_input, parse_inputs
from nnlint.script.model import InputSpec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("3x224x224", InputSpec((3, 224, 224), batched=False)),
        ("1x28x28", InputSpec((1, 28, 28), batched=False)),
        ("Nx3x4", InputSpec((3, 4), batched=False)),
        ("long:16", InputSpec((16,), "int64", batched=False)),
        ("long:1x128", InputSpec((128,), "int64", batched=False)),
        ("bool:1x128", InputSpec((128,), "bool", batched=False)),
        ("long:Nx1x128", InputSpec((1, 128), "int64", batched=False)),
        ("ids:long:1x128", InputSpec((128,), "int64", "ids", batched=False)),
        ("ids=long:16", InputSpec((16,), "int64", "ids", batched=False)),
        ("x:3", InputSpec((3,), name="x", batched=False)),
        ("exact:4x3x2", InputSpec((4, 3, 2))),
        ("edges:long:exact:2x500", InputSpec((2, 500), "int64", "edges")),
        ("edges:exact:long:1x500", InputSpec((1, 500), "int64", "edges")),
        ("t:long:N", InputSpec((), "int64", "t", batched=False)),
        ("scalar", InputSpec(())),
        ("long<1000:16", InputSpec((16,), "int64", batched=False, high=1000)),
        ("double: 3 x 4", InputSpec((3, 4), "float64", batched=False)),
        ("3\u00d732*32", InputSpec((3, 32, 32), batched=False)),
    ],
)
def test_one_input(text: str, spec: InputSpec) -> None:
    assert parse_input(text) == spec


@pytest.mark.parametrize("text", ["3x4 long:5", "3x4,long:5", "3x4; long : 5", " 3x4 ,\tlong:5 "])
def test_several_inputs_in_order(text: str) -> None:
    assert parse_inputs(text) == (parse_input("3x4"), parse_input("long:5"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no input"),
        ("  ", "no input"),
        ("3x", "a size is missing"),
        ("x3", "a size is missing"),
        ("3x0x2", "'0'"),
        ("-3x2", "'-3'"),
        ("1e3", "'1e3'"),
        ("ax3", "'a'"),
        ("3xN", "'N'"),
        ("exact:Nx3", "'N'"),
        ("foo:bar:3", "is no input"),
        ("a-b:3", "is no input"),
        ("float<3:4", "float32"),
        ("long<0:4", "below 0"),
        ("wide<5:4", "wide<5"),
        ("x:3, x:4", "'x' is given twice"),
        ("x".join(["2"] * 13), "13 axes"),
    ],
)
def test_a_wrong_input_says_what_was_found(text: str, found: str) -> None:
    with pytest.raises(InputError, match=found.replace("(", r"\(")) as error:
        parse_inputs(text, "--input")
    assert error.value.where == "--input"

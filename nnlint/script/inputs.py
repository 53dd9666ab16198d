"""The text form of example inputs, shared by the command line, the configuration, rule examples and comments.

One input is ``[name:][dtype:][exact:]shape``:

========================  ============================================================================================
``3x224x224``             one sample; nnlint puts a batch axis (of 2 or more) in front
``Nx3x224x224``           the same, the batch axis said openly; ``N`` alone is one number a sample (``t:long:N``)
``exact:4x3x224x224``     the tensor as it is, batch axis included; ``exact:2x500`` for inputs that have none
``scalar``                a tensor without axes
``long:16``               another dtype than ``float32``: any of torch's names, or ``int``, ``long``, ``half`` …
``long<1000:16``          integers below 1000
``long:1x128``            with an integer or boolean dtype a leading 1 before other sizes is the batch axis: people
                          write token tensors so. Of a float input it is a channel (``1x28x28``)
``ids:long:16``           passed by keyword; ``ids=long:16`` says the same
========================  ============================================================================================

Several inputs are given one after the other, separated by commas, semicolons or spaces.
"""

from __future__ import annotations

import re

from nnlint.errors import InputError
from nnlint.script.model import InputSpec

#: every spelling of a dtype → torch's name for it
DTYPES = {
    "float": "float32",
    "float32": "float32",
    "double": "float64",
    "float64": "float64",
    "half": "float16",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "long": "int64",
    "int64": "int64",
    "int": "int32",
    "int32": "int32",
    "short": "int16",
    "int16": "int16",
    "int8": "int8",
    "byte": "uint8",
    "uint8": "uint8",
    "bool": "bool",
    "cfloat": "complex64",
    "complex64": "complex64",
    "cdouble": "complex128",
    "complex128": "complex128",
}
_INTEGERS = frozenset({"int64", "int32", "int16", "int8", "uint8"})
_SEPARATOR = re.compile(r"[,;\s]+")
_SIZE = re.compile(r"[1-9][0-9]*")
_DTYPE = re.compile(r"([a-z0-9]+)(?:<([0-9]+))?")
_EXPECTED = "expected [name:][dtype:]sizes, such as 3x224x224, long:16 or ids:long:1x128"
_MOST_AXES = 12


def parse_inputs(text: str, where: str | None = None) -> tuple[InputSpec, ...]:
    """The inputs of a text, in order.

    Args:
        text: ``3x224x224``, or several separated by commas, semicolons or spaces.
        where: the option, key or line it stands in, for the error.

    Raises:
        InputError: if one of them is not in the form above, there is none, or a name is given twice.
    """
    parts = [part for part in _SEPARATOR.split(re.sub(r"\s*([:=<])\s*", r"\1", text)) if part]
    if not parts:
        raise InputError("found no input", where=where, help=_EXPECTED)
    specs = tuple(parse_input(part, where) for part in parts)
    names = [spec.name for spec in specs if spec.name]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"the input {twice!r} is given twice", where=where)
    return specs


def parse_input(text: str, where: str | None = None) -> InputSpec:
    """One input.

    Raises:
        InputError: if it is not in the form above; the message has what was found and what was expected.
    """
    *front, shape = re.split(r"[:=]", text.strip().replace(" ", ""))
    exact = "exact" in front
    if exact:
        front.remove("exact")
    dtype, high = "float32", None
    if front and (known := _dtype(front[-1], text, where)):
        dtype, high = known
        front.pop()
    name = front.pop() if front else None
    if front or (name is not None and not name.isidentifier()):
        raise InputError(f"{text!r} is no input", where=where, help=_EXPECTED)
    sizes, batched = _sizes(shape, text, where, integer=dtype in _INTEGERS or dtype == "bool", exact=exact)
    return InputSpec(sizes, dtype, name, batched, high)


def _dtype(word: str, text: str, where: str | None) -> tuple[str, int | None] | None:
    match = _DTYPE.fullmatch(word)
    if match is None or match[1] not in DTYPES:
        if "<" in word:
            raise InputError(f"{word!r} in {text!r} is no dtype with a bound", where=where, help="write long<1000:16")
        return None
    dtype = DTYPES[match[1]]
    if match[2] is None:
        return dtype, None
    if dtype not in _INTEGERS:
        raise InputError(f"{text!r} bounds a {dtype} input", where=where, help="only integers can be bounded")
    if int(match[2]) == 0:
        raise InputError(f"no integer is below 0 in {text!r}", where=where, help="the bound is exclusive")
    return dtype, int(match[2])


def _sizes(shape: str, text: str, where: str | None, *, integer: bool, exact: bool) -> tuple[tuple[int, ...], bool]:
    """The sizes, and whether the batch axis (or its absence) is stated."""
    if shape == "scalar":
        return (), True
    parts = re.split(r"[x*\u00d7]", shape)  # documents write the multiplication sign
    open_batch = parts[0] in {"N", "B"} and not exact
    if open_batch:
        parts = parts[1:]
    wrong = next((part for part in parts if not _SIZE.fullmatch(part)), None)
    if wrong is not None:
        found = f"found {wrong!r} where a size should be in {text!r}" if wrong else f"a size is missing in {text!r}"
        raise InputError(found, where=where, help=_EXPECTED)
    if len(parts) > _MOST_AXES:
        raise InputError(f"{text!r} has {len(parts)} axes", where=where, help=f"at most {_MOST_AXES} make sense")
    sizes = tuple(int(part) for part in parts)
    if integer and not exact and not open_batch and len(sizes) > 1 and sizes[0] == 1:
        return sizes[1:], False
    return sizes, exact

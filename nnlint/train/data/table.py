"""Tables: CSV files with one column to be predicted.

Columns of numbers are taken as they are; columns of texts with few values become one 0/1 column each value.
"""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.assemble import Raw
from nnlint.train.data.files import near, readable
from nnlint.train.data.parts import Part

SUFFIXES = (".csv", ".tsv")
#: a column of texts has at most so many values
MOST_VALUES = 20
#: what people write for a value they do not have
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
#: what pandas calls the column of its row numbers: nothing when it writes it, and this when it has read that
_NUMBERING = re.compile(r"(Unnamed: 0(\.\d+)?)?")


def read_table(path: Path, name: str, target: str | None) -> Raw:
    """The columns of a table, ``target`` apart.

    Raises:
        UsageError: for a file that is no table, a missing value, or a target column that does not exist.
    """
    header, rows, lines = _rows(path, name)
    columns_told = f"columns: {', '.join(column or '(unnamed)' for column in header)}"
    if target is None:
        raise UsageError("which column is to be predicted?", where=name, help=f"--target COLUMN; {columns_told}")
    if target not in header:
        advice = near(target, header)
        close = next((one for one in header if one.lower() == target.lower()), None)
        advice = f"did you mean {close!r}?" if close else advice
        raise UsageError(f"no column is called {target!r}", where=name, help=advice or columns_told)
    notes: list[str] = []
    columns = []
    for index, column in enumerate(header):
        cells = [row[index] for row in rows]
        if column != target and not _counts_rows(column, index, cells, notes):
            columns += _column(column, cells, lines, name, notes)
    if not columns:
        raise UsageError(f"there is no column but the target {target!r}, expected at least one more", where=name)
    values = [row[header.index(target)] for row in rows]
    part = Part(np.stack(columns, axis=1), _target(target, values, lines, name), name)
    return Raw(name, f"table {name}, column {target!r} predicted", {"all": part}, notes=tuple(notes), table=True)


def _rows(path: Path, name: str) -> tuple[list[str], list[list[str]], list[int]]:
    """The names of the columns, the rows, and the line each row ends on."""
    with readable(path):
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(
                f"byte {error.start} is no UTF-8", where=name, help="save the table as CSV in the encoding UTF-8"
            ) from None
    if not text.strip():
        raise UsageError("the file is empty, expected a line with the names of the columns, and rows", where=name)
    first = text.splitlines()[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ";" if ";" in first and "," not in first else ","
    rows, lines = [], []
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise UsageError(f"line {reader.line_num} is no CSV: {error}", where=name) from error
    _check_header(header, name)
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise UsageError(
                f"line {line} has {len(row)} values, expected {len(header)} as in the first line", where=name
            )
    if not rows:
        raise UsageError("there are no rows below the names of the columns", where=name)
    return header, rows, lines


def _check_header(header: list[str], name: str) -> None:
    if len({*header}) < len(header):
        double = next(column for index, column in enumerate(header) if column in header[:index])
        raise UsageError(f"column {double!r} occurs twice", where=name, help="give each column a name of its own")
    if all(_number(cell) is not None for cell in header):
        raise UsageError(
            "the first line holds numbers, expected the names of the columns",
            where=name,
            help=f"add a line such as {','.join(f'c{index}' for index in range(min(4, len(header))))}",
        )


def _counts_rows(column: str, index: int, cells: list[str], notes: list[str]) -> bool:
    """Whether a column numbers the rows, as pandas writes one beside the data: nothing can be learnt of it."""
    if not _NUMBERING.fullmatch(column):
        return False
    told = f"column {column!r}" if column else f"column {index + 1}, which has no name,"
    if [_number(cell) for cell in cells] == list(range(len(cells))):
        notes.append(f"{told} numbers the rows: left out")
        return True
    notes.append(f"{told} is learnt from: take it out of the table if it is the number of a row")
    return False


def _column(column: str, cells: list[str], lines: list[int], name: str, notes: list[str]) -> list[NDArray[Any]]:
    """One column as it is, or one for each of its values."""
    for cell, line in zip(cells, lines, strict=True):
        if cell.lower() in MISSING:
            raise UsageError(
                f"line {line} has no value in column {column!r}",
                where=name,
                help="fill it in, or leave the row or the column out",
            )
    numbers = [_number(cell) for cell in cells]
    known = [number for number in numbers if number is not None]
    if len(known) == len(cells):
        _finite(column, known, lines, name)
        return [np.array(known, dtype=np.float64)]
    if len(known) > len(cells) // 2:
        index = numbers.index(None)
        raise UsageError(
            f"line {lines[index]} has {cells[index]!r} in column {column!r}, expected a number", where=name
        )
    values = sorted(set(cells))
    if len(values) > MOST_VALUES:
        raise UsageError(
            f"column {column!r} holds {len(values)} different texts, expected numbers, or at most {MOST_VALUES} texts",
            where=name,
            help="leave the column out, or encode it as numbers",
        )
    notes.append(f"column {column!r} became {len(values)} columns of 0 and 1, one for each text: {', '.join(values)}")
    texts = np.array(cells)
    return [(texts == value).astype(np.float64) for value in values]


def _target(column: str, cells: list[str], lines: list[int], name: str) -> NDArray[Any]:
    """Whole numbers, numbers, or texts."""
    for cell, line in zip(cells, lines, strict=True):
        if cell.lower() in MISSING:
            raise UsageError(
                f"line {line} has no value in column {column!r}, the target", where=name, help="leave the row out"
            )
    numbers = [_number(cell) for cell in cells]
    known = [number for number in numbers if number is not None]
    if len(known) < len(cells):
        if len(known) > len(cells) // 2:
            index = numbers.index(None)
            raise UsageError(
                f"line {lines[index]} has {cells[index]!r} in column {column!r}, expected a number", where=name
            )
        return np.array(cells)
    _finite(column, known, lines, name)
    whole = all(number == math.floor(number) and abs(number) < 2**53 for number in known)
    return np.array(known, dtype=np.int64 if whole else np.float64)


def _number(cell: str) -> float | None:
    """A cell as a number; Python's ``1_000`` is a text to everybody else."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _finite(column: str, numbers: list[float], lines: list[int], name: str) -> None:
    for number, line in zip(numbers, lines, strict=True):
        if not math.isfinite(number):
            raise UsageError(f"line {line} has {number} in column {column!r}, expected a finite number", where=name)

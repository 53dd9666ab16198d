"""Tables: columns as they are meant, and the line of whatever is wrong."""

import csv

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_data import problem

from nnlint.train.data.load import load_data
from nnlint.train.data.table import read_table

ROWS = (f"{index / 4},{'red' if index % 3 else 'blue'},{index}.5" for index in range(40))
GOOD = "size,colour,price\n" + "\n".join(ROWS) + "\n"


@pytest.fixture
def table(tmp_path):
    def write(text, name="t.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_numbers_stay_and_texts_become_columns(table):
    data = load_data(str(table(GOOD)), target="price")
    assert data.task == "numbers" and data.shape == (3,)
    assert any("column 'colour' became 2 columns of 0 and 1, one for each text: blue, red" in one for one in data.notes)
    row = data.train.inputs[0].tolist()
    assert row[1] + row[2] == 1
    assert "column 'price' predicted" in data.source


def test_texts_are_classes(table):
    data = load_data(str(table(GOOD)), target="colour")
    assert data.task == "binary" and data.classes == ("blue", "red") and data.shape == (2,)


def test_few_whole_numbers_are_classes_and_many_are_numbers(table):
    rows = "".join(f"{index},{index % 3 * 5 - 1},{index * 7 % 41}\n" for index in range(40))
    path = str(table(f"a,kind,count\n{rows}"))
    kinds = load_data(path, target="kind")
    assert kinds.task == "classes" and kinds.classes == ("-1", "4", "9")
    assert any("3 different whole numbers: taken as classes (--task numbers otherwise)" in one for one in kinds.notes)
    counts = load_data(path, target="count")
    assert counts.task == "numbers"
    assert any("taken as numbers (--task classes otherwise)" in one for one in counts.notes)
    assert load_data(path, target="kind", task="numbers").task == "numbers"


@pytest.mark.parametrize(("header", "told"), [("", "column 1, which has no name,"), ("Unnamed: 0", "'Unnamed: 0'")])
def test_the_numbers_of_the_rows_that_pandas_writes_are_no_feature(table, header, told):
    rows = "".join(f"{{}},{index / 7},{index}.5\n" for index in range(40))
    counted = load_data(str(table(f"{header},a,y\n" + rows.format(*range(40)))), target="y")
    assert counted.shape == (1,)
    assert any(told in note and note.endswith("numbers the rows: left out") for note in counted.notes)
    # other numbers may mean something
    other = load_data(str(table(f"{header},a,y\n" + rows.format(*range(1, 41)))), target="y")
    assert other.shape == (2,)
    assert any(told in note and "take it out of the table if" in note for note in other.notes)


def test_a_column_with_a_name_is_a_feature_whatever_it_counts(table):
    data = load_data(str(table("id,a,y\n" + "".join(f"{i},{i / 7},{i}.5\n" for i in range(40)))), target="y")
    assert data.shape == (2,) and data.notes == ()


@pytest.mark.parametrize(
    ("name", "separator", "start"), [("t.tsv", "\t", b""), ("t.csv", ";", b""), ("t.csv", ",", b"\xef\xbb\xbf")]
)
def test_separators_and_byte_order_marks(table, name, separator, start):
    path = table(start + GOOD.replace(",", separator).encode(), name)
    assert load_data(str(path), target="size").shape == (3,)


def test_quotes_and_blank_lines(table):
    text = 'a,"b, of c"\n' + "".join(f'{index},"{index % 2}"\n\n' for index in range(30))
    assert load_data(str(table(text)), target="b, of c").task == "binary"


@given(st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_come_back_as_they_were_written(tmp_path, rows):
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "b", "y"], *rows])
    part = read_table(path, "t.csv", "y").parts["all"]
    assert np.array_equal(part.inputs, np.array(rows)[:, :2])
    assert np.array_equal(part.targets, np.array(rows)[:, 2])


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        (GOOD, None, ("which column is to be predicted?", "--target COLUMN", "size, colour, price")),
        (",a,y\n0,1,2\n", None, ("columns: (unnamed), a, y",)),
        (GOOD, "prize", ("no column is called 'prize'", "did you mean 'price'?")),
        (GOOD, "Price", ("did you mean 'price'?",)),
        (GOOD, "zzz", ("columns: size, colour, price",)),
        ("", "y", ("the file is empty",)),
        ("a,y\n", "y", ("no rows",)),
        ("a,a,y\n1,2,3\n", "y", ("column 'a' occurs twice",)),
        ("1,2,3\n4,5,6\n", "y", ("the first line holds numbers, expected the names of the columns",)),
        ("a,y\n1,2\n3\n", "y", ("line 3 has 1 values, expected 2",)),
        ("a,y\n1,2\n,3\n", "y", ("line 3 has no value in column 'a'", "fill it in")),
        ("a,y\n1,2\n3,NA\n", "y", ("line 3 has no value in column 'y', the target",)),
        ("a,y\n1,2\nnan,3\n", "y", ("line 3 has no value in column 'a'",)),
        ("a,y\n1,2\ninf,3\n", "y", ("line 3 has inf in column 'a'",)),
        ("a,y\n1,2\n1,1e999\n", "y", ("line 3 has inf in column 'y'",)),
        ("a,y\n1,2\n2,2\n3,2\n1_0,3\n", "y", ("line 5 has '1_0' in column 'a', expected a number",)),
        ("a,y\n1,2\n2,2\n3,2\n1,x\n", "y", ("line 5 has 'x' in column 'y', expected a number",)),
        ("y\n1\n2\n", "y", ("no column but the target",)),
        ('a,y\n1,"2\n', "y", ("is no CSV",)),
        (b"a,y\n\xff,2\n", "y", ("byte 4 is no UTF-8",)),
        ("a,y\n" + "".join(f"name{index},{index}\n" for index in range(30)), "y", ("holds 30 different texts",)),
    ],
)
def test_what_is_wrong_is_said_with_its_place(table, text, target, words):
    message = problem(table(text), target=target)
    assert "t.csv" in message
    for word in words:
        assert word in message

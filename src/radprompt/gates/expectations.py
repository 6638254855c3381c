"""What a table must be, as data: expectations of Great Expectations, each with its severity, its words and its fix.

Building them imports nothing heavy; :mod:`radprompt.gates.running` hands them to Great Expectations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.tables.schema import Schema

Severity = Literal["error", "warning"]
RUN_AGAIN = "run `dvc repro` again: the file was changed by hand, or comes from another run"
_BOTH = {"ignore_row_if": "either_value_is_missing"}
_NUMBERS = {"whole": "{} is a whole number", "number": "{} is a number"}
FINITE = 1e300
"""Upper bound for finite values."""


@dataclass(frozen=True)
class Expectation:
    """One expectation.

    Parameters
    ----------
    kind
        Name in Great Expectations, such as ``expect_column_values_to_be_between``.
    arguments
        Arguments of the expectation.
    says
        Meaning of the met expectation, in words.
    fix
        Advice when it is not met.
    severity
        ``error`` stops the pipeline and names rows, ``warning`` is counted and shown.
    """

    kind: str
    arguments: dict[str, Any]
    says: str
    fix: str = RUN_AGAIN
    severity: Severity = "error"


@dataclass(frozen=True)
class Suite:
    """Expectations of one table.

    Parameters
    ----------
    name
        Unique among all suites; files and metrics are called so.
    file
        Where the table comes from, for messages.
    table
        What is checked. Text columns hold None, number columns NaN where there is nothing.
    keys
        Columns that name a row in messages, the most telling last.
    expectations
        In the order in which they are reported.
    """

    name: str
    file: str
    table: pd.DataFrame
    keys: Sequence[str]
    expectations: Sequence[Expectation]


def read_cells(path: str | Path, separator: str = ",") -> pd.DataFrame:
    """Read a CSV file as text, None where a cell is empty, with its ``row`` (1 = first after the header) in front.

    Raises
    ------
    InputError
        For an absent file, or one that is not a table.
    """
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"not a CSV table: {error}", where=str(path), fix=RUN_AGAIN) from None
    table.insert(0, "row", range(1, len(table) + 1))
    return none_for_missing(table)


def none_for_missing(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with None in place of missing text."""
    return table.astype({name: object for name in table if not pd.api.types.is_numeric_dtype(table[name])}).where(
        table.notna(), None
    )


def with_numbers(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return the table with those of its columns as numbers; what is none becomes NaN."""
    numbers = {name: pd.to_numeric(table[name], errors="coerce").astype(float) for name in columns if name in table}
    return table.assign(**numbers)


def some_rows(fix: str = RUN_AGAIN) -> Expectation:
    """Expect one row at least."""
    return Expectation("expect_table_row_count_to_be_between", {"min_value": 1}, "there is a row at least", fix)


def rows_are(count: int, says: str, fix: str = RUN_AGAIN, severity: Severity = "error") -> Expectation:
    """Expect as many rows."""
    return Expectation("expect_table_row_count_to_equal", {"value": count}, says, fix, severity)


def columns_include(columns: Iterable[str], fix: str = RUN_AGAIN) -> Expectation:
    """Expect these columns, beside any others."""
    arguments = {"column_set": list(columns), "exact_match": False}
    return Expectation("expect_table_columns_to_match_set", arguments, "every column is there", fix)


def columns_are(columns: Iterable[str], says: str, fix: str = RUN_AGAIN) -> Expectation:
    """Expect these columns and no others."""
    return Expectation("expect_table_columns_to_match_set", {"column_set": list(columns)}, says, fix)


def filled(column: str, says: str = "", fix: str = RUN_AGAIN, severity: Severity = "error") -> Expectation:
    """Expect a value in every row."""
    says = says or f"{column} is given"
    return Expectation("expect_column_values_to_not_be_null", {"column": column}, says, fix, severity)


def empty(column: str, says: str, fix: str = RUN_AGAIN, severity: Severity = "error") -> Expectation:
    """Expect a value in no row."""
    return Expectation("expect_column_values_to_be_null", {"column": column}, says, fix, severity)


def unique(*columns: str, says: str = "", fix: str = RUN_AGAIN, severity: Severity = "error") -> Expectation:
    """Expect that no two rows are alike in these columns."""
    says = says or f"no {' and '.join(columns)} occurs twice"
    if len(columns) == 1:
        return Expectation("expect_column_values_to_be_unique", {"column": columns[0]}, says, fix, severity)
    return Expectation("expect_compound_columns_to_be_unique", {"column_list": list(columns)}, says, fix, severity)


def one_of(
    column: str, values: Iterable[Any], says: str = "", fix: str = RUN_AGAIN, severity: Severity = "error"
) -> Expectation:
    """Expect one of ``values`` wherever there is one."""
    allowed = list(values)
    says = says or f"{column} is one of {', '.join(map(str, allowed))}"
    return Expectation(
        "expect_column_values_to_be_in_set", {"column": column, "value_set": allowed}, says, fix, severity
    )


def matching(column: str, pattern: str, says: str, fix: str = RUN_AGAIN, severity: Severity = "error") -> Expectation:
    """Expect text in which the regular expression is found, wherever there is text."""
    arguments = {"column": column, "regex": pattern}
    return Expectation("expect_column_values_to_match_regex", arguments, says, fix, severity)


def within(
    column: str,
    low: float | None,
    high: float | None,
    says: str = "",
    fix: str = RUN_AGAIN,
    severity: Severity = "error",
    *,
    above: bool = False,
    below: bool = False,
) -> Expectation:
    """Expect numbers from ``low`` to ``high``; ``above`` and ``below`` leave the bound itself out."""
    arguments: dict[str, Any] = {"column": column}
    if low is not None:
        arguments |= {"min_value": low, "strict_min": above}
    if high is not None:
        arguments |= {"max_value": high, "strict_max": below}
    if not says:
        bounds = [f"{'above' if above else 'at least'} {low:g}"] if low is not None else []
        bounds += [f"{'below' if below else 'at most'} {high:g}"] if high is not None else []
        says = f"{column} is {' and '.join(bounds)}"
    return Expectation("expect_column_values_to_be_between", arguments, says, fix, severity)


def at_least(
    larger: str,
    smaller: str,
    says: str = "",
    fix: str = RUN_AGAIN,
    severity: Severity = "error",
    *,
    strictly: bool = False,
) -> Expectation:
    """Expect the first column's numbers to reach the second's, or ``strictly`` to be larger."""
    arguments = {"column_A": larger, "column_B": smaller, "or_equal": not strictly} | _BOTH
    says = says or f"{larger} is {'more than' if strictly else 'at least'} {smaller}"
    return Expectation("expect_column_pair_values_a_to_be_greater_than_b", arguments, says, fix, severity)


def equal(first: str, second: str, says: str, fix: str = RUN_AGAIN, severity: Severity = "error") -> Expectation:
    """Expect the same value in two columns."""
    arguments = {"column_A": first, "column_B": second} | _BOTH
    return Expectation("expect_column_pair_values_to_be_equal", arguments, says, fix, severity)


def pairs_of(first: str, second: str, allowed: Iterable[tuple[Any, Any]], says: str, fix: str) -> Expectation:
    """Expect one of the allowed pairs of values in two columns."""
    arguments = {"column_A": first, "column_B": second, "value_pairs_set": [list(pair) for pair in allowed]} | _BOTH
    return Expectation("expect_column_pair_values_to_be_in_set", arguments, says, fix)


def holds(column: str, values: Iterable[Any], says: str, fix: str, severity: Severity = "error") -> Expectation:
    """Expect each of ``values`` in some row."""
    arguments = {"column": column, "value_set": list(values)}
    return Expectation("expect_column_distinct_values_to_contain_set", arguments, says, fix, severity)


def varied(column: str, says: str, fix: str) -> Expectation:
    """Expect two different values at least."""
    return Expectation("expect_column_unique_value_count_to_be_between", {"column": column, "min_value": 2}, says, fix)


def of_schema(schema: Schema) -> list[Expectation]:
    """Return what a table's schema says of its columns, values and key; its reader refuses by the same.

    Numbers are expected as :func:`numbers_of` gives them.
    """
    found = [columns_include(schema.names)]
    for column in schema.columns:
        name, fix, says = column.name, column.fix or RUN_AGAIN, f"{column.name} is {column.words}"
        if column.required:
            found.append(filled(name, _NUMBERS.get(column.kind, "").format(name), fix))
        if column.one_of:
            found.append(one_of(name, column.one_of, says, fix))
        elif column.pattern:
            found.append(matching(name, rf"^(?:{column.pattern})$", says, fix))
        elif column.kind != "text":
            ends = column.open_ends
            found.append(within(name, column.least, column.high, says, fix, above=ends, below=ends))
    return [*found, unique(*schema.key, fix=schema.fix)]


def numbers_of(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return cells with the schema's numbers as numbers; what is none, or not whole where it has to be, becomes NaN."""
    columns = [each for each in schema.columns if each.kind != "text" and each.name in table]
    return table.assign(**{each.name: each.values(table[each.name].astype(str)).astype(float) for each in columns})

"""What a table's rows must be, said once: the reader refuses by it, and the validation suites are made from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from radprompt.core.errors import InputError

Kind = Literal["text", "whole", "number"]
_SHOWN = 5
"""How many wrong rows an error spells out."""


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    name
        Name of the column.
    means
        What a value is, in words that follow "is" and "is not"; by default what the other parameters say.
    kind
        ``whole`` numbers are 0, 1, ... unless ``low`` says less.
    one_of
        All values there are.
    low, high
        Bounds of a number; ``open_ends`` leaves the bounds themselves out.
    pattern
        A regular expression for the whole text.
    required
        Whether each row has a value.
    empty
        Texts that stand for no value where one is required.
    fix
        What to do about a wrong value; by default the schema's.
    """

    name: str
    means: str = ""
    kind: Kind = "text"
    one_of: Sequence[object] = ()
    low: float | None = None
    high: float | None = None
    open_ends: bool = False
    pattern: str = ""
    required: bool = True
    empty: Sequence[str] = ("",)
    fix: str = ""

    @property
    def words(self) -> str:
        """What a value is, in words."""
        if self.means:
            return self.means
        if self.one_of:
            return f"one of {', '.join(map(str, self.one_of))}"
        return {"text": "given", "whole": "a whole number", "number": "a number"}[self.kind]

    @property
    def least(self) -> float | None:
        """The lower bound of a number: of a whole one 0, unless ``low`` says another."""
        return 0 if self.kind == "whole" and self.low is None else self.low

    def values(self, cells: "pd.Series[str]") -> pd.Series:
        """Return the cells in the column's type; what is not a number, or not whole where it has to be, becomes NaN."""
        if self.kind == "text":
            return cells
        numbers = pd.to_numeric(cells, errors="coerce")
        return (
            numbers
            if self.kind == "number"
            else numbers.where(cells.str.fullmatch(r"-?\d+").fillna(False).astype(bool))
        )

    def wrong(self, cells: "pd.Series[str]") -> "pd.Series[bool]":
        """Tell of each cell, as text, whether the column cannot hold it."""
        empty = cells.isin(self.empty if self.required else [""])
        wrong = pd.Series(False, cells.index)
        values = self.values(cells)
        if self.kind != "text":
            wrong |= ~values.between(-float("inf"), float("inf"), inclusive="neither")
        if self.least is not None:
            wrong |= (values <= self.least) if self.open_ends else (values < self.least)
        if self.high is not None:
            wrong |= (values >= self.high) if self.open_ends else (values > self.high)
        if self.one_of:
            wrong |= ~cells.isin([str(value) for value in self.one_of])
        if self.pattern:
            wrong |= ~cells.str.fullmatch(self.pattern).fillna(False).astype(bool)
        return empty | wrong if self.required else ~empty & wrong


@dataclass(frozen=True)
class Schema:
    """The rows of a table.

    Parameters
    ----------
    what
        The table, in words.
    columns
        Those that there must be; others may be beside them.
    key
        Columns in which no two rows are alike; the last one names a row in messages.
    twice
        Message for a second row with the same key.
    fix
        Advice for a wrong file.
    absent
        Advice for an absent file.
    """

    what: str
    columns: Sequence[Column]
    key: Sequence[str]
    twice: str = "occurs twice"
    fix: str = "run `dvc repro` again"
    absent: str = "run `dvc repro`, or `dvc pull`"

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        """Return the column of a name."""
        return next(column for column in self.columns if column.name == name)

    def read_cells(self, path: str | Path, **absent: str) -> pd.DataFrame:
        """Read a CSV file as text, '' where a cell is empty; ``absent`` gives the value of columns that may be absent.

        Raises
        ------
        InputError
            For an absent file, one that is not a table, or a missing column.
        """
        path = Path(path)
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False).fillna("")  # a row may end early
        except FileNotFoundError:
            raise InputError(f"no such {self.what}", where=str(path), fix=self.absent) from None
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise InputError(f"not a CSV table: {error}", where=str(path), fix=self.fix) from None
        table = table.assign(**{name: value for name, value in absent.items() if name not in table})
        self.require_columns(table, path)
        return table

    def require_columns(self, table: pd.DataFrame, path: str | Path) -> None:
        """Raise an :class:`InputError` that names the columns that are not there."""
        if missing := [name for name in self.names if name not in table]:
            raise InputError(f"column(s) {', '.join(missing)} missing", where=str(path), fix=self.fix)

    def read(self, path: str | Path) -> pd.DataFrame:
        """Read and check a CSV file.

        Returns
        -------
        DataFrame
            The schema's columns in its order and types, rows as in the file.

        Raises
        ------
        InputError
            For an absent file, one that is not a table, a missing column, a wrong value (it names row and value, row 1
            is the first after the header; and up to four more) or a key that occurs twice.
        """
        cells = self.read_cells(path)
        self.check(cells, [f"{path}, row {row}" for row in range(1, len(cells) + 1)])
        return self.typed(cells)

    def typed(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Return checked cells in the columns' types and order."""
        kinds: dict[str, Any] = {"text": str, "whole": int, "number": float}
        columns = {each.name: each.values(cells[each.name]) for each in self.columns}
        return pd.DataFrame(columns).astype({each.name: kinds[each.kind] for each in self.columns})

    def check(self, cells: pd.DataFrame, places: Sequence[str]) -> None:
        """Raise an :class:`InputError` with the wrong rows.

        Parameters
        ----------
        cells
            Text, with the schema's columns.
        places
            Where each row stands, for messages.
        """
        faults = [
            (
                row,
                f"{column.name} {cells[column.name].iloc[row]!r} is {_refused(column)}",
                column.fix,
            )
            for column in self.columns
            for row in _rows(column.wrong(cells[column.name]))
        ]
        faults = sorted(faults, key=lambda fault: fault[0]) or self._repeated(cells, places)
        if faults:
            row, what, fix = faults[0]
            more = "".join(f"\n{places[other]}: {words}" for other, words, _ in faults[1:_SHOWN])
            rest = f"\n... and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
            raise InputError(f"{what}{more}{rest}", where=places[row], fix=fix or self.fix)

    def _repeated(self, cells: pd.DataFrame, places: Sequence[str]) -> list[tuple[int, str, str]]:
        key = list(self.key)
        found: list[tuple[int, str, str]] = []
        for row in _rows(cells.duplicated(key)):
            own = cells.iloc[row]
            first = int((cells[key] == own[key]).all(axis=1).to_numpy().argmax())
            within = ", ".join(f"{name} {own[name]!r}" for name in key[:-1])
            what = (
                f"{key[-1]} {own[key[-1]]!r} {self.twice}{f' ({within})' if within else ''}; first in {places[first]}"
            )
            found.append((row, what, ""))
            if len(found) > _SHOWN:
                break
        return found


def _refused(column: Column) -> str:
    return "empty" if column.words == "given" else f"not {column.words}"


def _rows(wrong: "pd.Series[bool]") -> list[int]:
    return [int(row) for row in wrong.to_numpy().nonzero()[0]]

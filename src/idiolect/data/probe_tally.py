"""What rows hold, counted: kinds of value by column, and faults by line. Bounded however odd the rows are.

It does **not** keep rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MAX_COLUMNS = 2_000
_MAX_PENDING = 20_000  # names held in shapes that are not yet folded

BLANK = "blank"  # a string with nothing but white space in it
_SCALARS: dict[type, str] = {int: "integer", float: "number", bool: "true/false", type(None): "null"}
_CONTAINERS: dict[type, str] = {list: "list", dict: "object"}
_KINDS = _SCALARS | _CONTAINERS


@dataclass(slots=True)
class Tally:
    """Kinds of value by column over all rows added."""

    rows: int = 0
    too_many_columns: bool = False
    _columns: dict[str, Counter[str]] = field(default_factory=dict)
    _shapes: Counter[tuple[tuple[str, ...], tuple[object, ...]]] = field(default_factory=Counter)
    _pending: int = 0

    def add_object(self, row: dict[str, object]) -> None:
        """Count one row of JSON values."""
        # Rows mostly have the same keys and kinds, so whole shapes are counted and unfolded later.
        kinds = [
            type(value) if type(value) is not str else ("string" if value and not value.isspace() else BLANK)
            for value in row.values()
        ]
        self.add_shape(tuple(row), tuple(kinds))

    def add_shape(self, names: tuple[str, ...], kinds: tuple[object, ...]) -> None:
        """Count one row by its column names and the kinds of its values."""
        self.rows += 1
        shape = (names, kinds)
        seen = self._shapes[shape]
        self._shapes[shape] = seen + 1
        if not seen:
            self._pending += len(names)
            if self._pending > _MAX_PENDING:
                self._fold()

    def add_header(self, names: tuple[str, ...]) -> None:
        """Note columns that exist even where no row follows."""
        for name in names:
            self._columns.setdefault(name, Counter())

    def columns(self) -> dict[str, Counter[str]]:
        """Column name to how many rows have each kind of value; rows without the column count in none."""
        self._fold()
        return self._columns

    def _fold(self) -> None:
        for (names, kinds), number in self._shapes.items():
            for name, kind in zip(names, kinds, strict=True):
                column = self._columns.get(name)
                if column is None:
                    if len(self._columns) >= MAX_COLUMNS:
                        self.too_many_columns = True
                        continue
                    column = self._columns[name] = Counter()
                column[kind if isinstance(kind, str) else _KINDS[kind]] += number  # type: ignore[index]
        self._shapes.clear()
        self._pending = 0


@dataclass(slots=True)
class Faults:
    """The first faults by line, and how many there are in all."""

    keep: int = 5
    total: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, reason: str) -> None:
        self.total += 1
        if len(self.first) < self.keep:
            self.first.append((line, reason))

    def __str__(self) -> str:
        return "; ".join(f"line {line:,}: {reason}" for line, reason in self.first)


@dataclass(slots=True)
class Scan:
    """What reading a file's rows found, before any column is chosen."""

    tally: Tally = field(default_factory=Tally)
    rows: int = 0  # all rows, broken ones too
    rows_checked: int = 0
    bytes_checked: int = 0
    broken: Faults = field(default_factory=Faults)
    encoding_faults: Faults = field(default_factory=Faults)
    too_long: Faults = field(default_factory=Faults)
    hint: str | None = None  # how to mend broken rows, where their look tells
    cut_at: int | None = None  # the line after which nothing could be read

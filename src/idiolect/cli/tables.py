"""Tables for people: drawn by rich in a terminal, plain aligned columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headers; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[at], int | float) for row in rows) for at in range(len(headers))
    ]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold")
        for header, number in zip(headers, right, strict=True):
            table.add_column(header, justify="right" if number else "left", overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))  # as it is: brackets are no markup here
        Console().print(table)
        return
    widths = [max(len(line[at]) for line in [list(headers), *cells]) for at in range(len(headers))]
    for line in [list(headers), *cells]:
        padded = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ]
        print("  ".join(padded).rstrip())

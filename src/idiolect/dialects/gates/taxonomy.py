"""The dialect's fault codes: what each means, a text that has it, and the same text mended.

The table is `faults.toml`; the checker does not read it, documentation and tests do.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One code of the taxonomy; `at` is what the fault's span covers in the bad text."""

    code: str
    meaning: str
    bad: str
    good: str
    at: str
    test: str = ""  # for gates.test.*: the test that fails, as JSON


def fault_kinds() -> tuple[FaultKind, ...]:
    """All codes, sorted."""
    table = tomllib.loads((files(__package__) / "faults.toml").read_text(encoding="utf-8"))
    kinds = (FaultKind(code, **entry) for code, entry in table.items())
    return tuple(sorted(kinds, key=lambda kind: kind.code))

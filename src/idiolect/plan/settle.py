"""Choosing one value out of several candidates, and writing down why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from idiolect.okt.reading import BlockReading, Written
from idiolect.plan.plan import Conflict, Considered, Kind, Origin, Setting
from idiolect.source import SourceText


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a setting might take; None means that this source says nothing."""

    source: str  # TRAIN.epochs, LLM_MODEL
    value: Any
    origin: Origin


class Ledger:
    """Settings and conflicts of a plan while it is being made."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.settings: dict[str, Setting] = {}
        self.conflicts: list[Conflict] = []

    def place(self, written: Written, kind: Kind = "file", source: str = "", why: str = "") -> Origin:
        """The origin of a value that stands in the script."""
        place = self.source.place(written.span.start)
        return Origin(
            kind=kind, source=source, file=self.source.name, line=place.line, column=place.column, why=why
        )

    def candidate(self, block: BlockReading | None, name: str, *, kind: Kind = "file") -> Candidate:
        """A field of a block as a candidate."""
        path = f"{block.path}.{name}" if block is not None else name
        written = block.fields.get(name) if block is not None else None
        if written is None:
            return Candidate(path, None, Origin(kind="file", source=path))
        return Candidate(path, written.value, self.place(written, kind, path))

    def settle(self, path: str, candidates: Sequence[Candidate], rule: str) -> Any:
        """Take the first candidate that says something; note those that it won over."""
        speaking = [candidate for candidate in candidates if candidate.value is not None]
        if not speaking:
            return None
        winner, *others = speaking
        lost = tuple(Considered(value=other.value, origin=other.origin) for other in others)
        origin = winner.origin
        if winner.source != path and origin.kind == "file":
            why = rule if lost else ""
            origin = origin.model_copy(update={"kind": "override", "source": winner.source, "why": why})
        self.settings[path] = Setting(value=plain(winner.value), origin=origin, lost=lost)
        differing = [
            other
            for other in others
            if other.value != winner.value and other.origin.kind in ("file", "inherited", "environment")
        ]
        if differing:
            self.conflicts.append(
                Conflict(
                    field=path,
                    winner=f"{winner.source} ({winner.origin})",
                    value=plain(winner.value),
                    losers=tuple(f"{other.source} ({other.origin})" for other in differing),
                    rule=rule,
                )
            )
        return winner.value

    def note(self, path: str, value: Any, origin: Origin) -> None:
        """Write down a value that nobody contests."""
        self.settings[path] = Setting(value=plain(value), origin=origin)


def proposed(source: str, value: Any, why: str = "") -> Candidate:
    """A value that this engine falls back to."""
    return Candidate(source, value, Origin(kind="proposed", source=source, why=why))


def derived(source: str, value: Any, why: str = "") -> Candidate:
    """A value that follows from another one."""
    return Candidate(source, value, Origin(kind="derived", source=source, why=why))


def plain(value: Any) -> Any:
    """A value as JSON can hold it: readings and records become dictionaries."""
    if isinstance(value, BlockReading):
        return {
            **{name: plain(written.value) for name, written in value.fields.items()},
            **{name: plain(block) for name, block in value.blocks.items()},
        }
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    return value

"""A script as read: typed values by block and field, each with the place it was written at.

Nothing is defaulted, inherited or overridden here; that is the plan's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from idiolect.okt.language import BlockSpec
from idiolect.okt.syntax import Pragma
from idiolect.source import Span


@dataclass(frozen=True, slots=True)
class Written:
    """A value that stands in the script. `name` is the spelling used; a block's value is its reading."""

    value: Any
    span: Span
    name: str
    name_span: Span
    item_spans: tuple[Span, ...] = ()  # of a list's items

    def span_of(self, index: int) -> Span:
        return self.item_spans[index] if index < len(self.item_spans) else self.span


@dataclass(slots=True)
class BlockReading:
    """What one block says."""

    spec: BlockSpec
    span: Span
    keyword_span: Span
    label: str | None = None
    label_span: Span | None = None
    fields: dict[str, Written] = field(default_factory=dict)
    blocks: dict[str, BlockReading] = field(default_factory=dict)  # nested ones, by name
    unknown: dict[str, Written] = field(default_factory=dict)  # kept, used by nothing
    broken: set[str] = field(default_factory=set)  # written, and not usable; already told

    @property
    def path(self) -> str:
        return self.spec.path

    def get(self, name: str) -> Any:
        """The value of a field, or None where it is not written."""
        written = self.fields.get(name)
        return None if written is None else written.value

    def has(self, name: str) -> bool:
        return name in self.fields or name in self.blocks

    def wrote(self, name: str) -> bool:
        """Whether a field stands in the block at all, usable or not."""
        return self.has(name) or name in self.broken

    def place(self, name: str) -> Span:
        """Where a field's value stands; the block's keyword where it is not written."""
        written = self.fields.get(name)
        if written is not None:
            return written.span
        nested = self.blocks.get(name)
        return nested.keyword_span if nested is not None else self.keyword_span


@dataclass(slots=True)
class Reading:
    """A whole script as read. Single values such as PROJECT are fields of `head`."""

    head: BlockReading
    blocks: dict[str, BlockReading] = field(default_factory=dict)  # the unlabelled ones, by keyword
    parents: dict[str, BlockReading] = field(default_factory=dict)  # MODEL "label", by label
    pragma: Pragma | None = None

    def get(self, block: str, name: str) -> Any:
        """A field's value, or None where block or field is not written."""
        found = self.find(block)
        return None if found is None else found.get(name)

    def written(self, block: str, name: str) -> Written | None:
        found = self.find(block)
        return None if found is None else found.fields.get(name)

    def find(self, path: str) -> BlockReading | None:
        """A block by its path, such as INFERENCE.params."""
        first, *rest = path.split(".")
        found = self.blocks.get(first)
        for name in rest:
            found = found.blocks.get(name) if found is not None else None
        return found

    def has(self, keyword: str) -> bool:
        return keyword in self.blocks

    @property
    def trains(self) -> bool:
        return self.has("TRAIN") or self.has("FT_LORA")

    def all_blocks(self) -> Iterator[BlockReading]:
        """Every block that was read, parents and nested ones too."""
        pending = [*self.blocks.values(), *self.parents.values()]
        while pending:
            block = pending.pop(0)
            yield block
            pending.extend(block.blocks.values())

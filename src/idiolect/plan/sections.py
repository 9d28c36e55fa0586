"""A block's reading to a typed section: what is written, else the default, each with its origin."""

from __future__ import annotations

from typing import Any, TypeVar

from idiolect.okt.fields import Block, FieldSpec, Kind
from idiolect.okt.language import BlockSpec
from idiolect.okt.reading import BlockReading
from idiolect.plan.plan import Origin
from idiolect.plan.settle import Ledger, plain

B = TypeVar("B", bound=Block)


def section(
    model: type[B],
    spec: BlockSpec,
    block: BlockReading | None,
    ledger: Ledger,
    settled: dict[str, Any] | None = None,
) -> B:
    """The typed section of a block. `settled` holds values that other rules have decided already."""
    settled = settled or {}
    values: dict[str, Any] = {}
    for field in spec.fields:
        path = f"{spec.path}.{field.name}"
        if field.name in settled:
            values[field.attribute] = plain(settled[field.name])
        elif block is not None and field.name in block.fields:
            written = block.fields[field.name]
            values[field.attribute] = plain(written.value)
            ledger.note(path, written.value, ledger.place(written))
        elif block is not None and field.name in block.blocks:
            values[field.attribute] = _nested(field, spec, block.blocks[field.name], ledger)
        else:
            _note_default(path, field, ledger)
    return model.model_validate(values)


def _nested(field: FieldSpec, spec: BlockSpec, block: BlockReading, ledger: Ledger) -> dict[str, Any]:
    nested = spec.nested(field)
    assert field.block is not None
    made = section(field.block, nested, block, ledger)
    return made.model_dump(exclude_unset=True)


def _note_default(path: str, field: FieldSpec, ledger: Ledger) -> None:
    if field.kind is Kind.BLOCK and field.default is None and not field.default_text:
        return  # an absent block has nothing to say
    why = field.default_text if field.default is None else ""
    origin = Origin(kind="default", why=why) if field.stated else Origin(kind="proposed", why=why)
    ledger.note(path, field.default, origin)

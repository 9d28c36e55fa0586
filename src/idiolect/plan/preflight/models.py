"""The base model, its adapter, and the checkpoint to resume from."""

from __future__ import annotations

from pathlib import Path

from idiolect.okt.inherit import Inherited, inherited_model
from idiolect.okt.reading import Written
from idiolect.plan.preflight.flight import Flight
from idiolect.problem import problem
from idiolect.student.aliases import read_aliases
from idiolect.student.checkpoint import check_checkpoint
from idiolect.student.reference import locate_model


def check_models(flight: Flight) -> None:
    """Nothing is downloaded: a hub name that is not cached is a warning here, an error when it is needed."""
    model = inherited_model(flight.reading)
    aliases, faults = read_aliases(flight.root)
    bases = _bases(flight, model)
    for found in faults:
        flight.tell(found, next(iter(bases.values())).span if bases else flight.reading.head.span)
    architecture = model.written("architecture")
    for reference, written in bases.items():
        found_model = locate_model(
            reference,
            bases=_folders(flight),
            aliases=aliases,
            architecture=architecture[0].value if architecture else None,
        )
        flight.models.append(found_model)
        for found in found_model.problems:
            flight.tell(found, written.span)
        window = model.written("context_window")
        if window and found_model.context_window and window[0].value > found_model.context_window:
            most = found_model.context_window
            what = f"context_window {window[0].value} is more than the {most} of {reference}"
            flight.reporter.warning("V010", window[0].span, what, f"write {most}")
    _adapter(flight, model)
    _checkpoint(flight, architecture[0].value if architecture else None)


def _bases(flight: Flight, model: Inherited) -> dict[str, Written]:
    """The references that are loaded, each with its first place."""
    found: dict[str, Written] = {}
    own = flight.reading.written("FT_LORA", "base_model")
    base = model.written("base")
    for written in (own, base[0] if base else None):
        if written is not None:
            found.setdefault(written.value, written)
    return found


def _folders(flight: Flight) -> list[Path]:
    return [flight.root, Path.cwd(), flight.script.absolute().parent]


def _adapter(flight: Flight, model: Inherited) -> None:
    adapter = model.nested("ADAPTER")
    written = adapter.fields.get("path") if adapter is not None else None
    if written is None:
        return
    located = flight.find(written)
    if not located.exists:
        missing = problem(
            "V001", f'no such adapter: "{written.value}"', help=f"looked for {located.tried[0]}"
        )
        flight.tell(missing, written.span)


def _checkpoint(flight: Flight, architecture: str | None) -> None:
    written = flight.reading.written("TRAIN", "resume_from_checkpoint")
    if written is None:
        return
    for found in check_checkpoint(flight.find(written).path, architecture):
        flight.tell(found, written.span)

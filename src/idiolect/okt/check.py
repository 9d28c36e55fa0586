"""All faults of a script that the script itself shows: syntax, then blocks and fields, then rules.

What a script points to (files, models, the machine) is looked at by `idiolect.plan.preflight`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from idiolect.okt.diagnostics import Diagnostic, Reporter, Severity, hardened, order
from idiolect.okt.language import BLOCK_ALIASES, BLOCKS
from idiolect.okt.parser import parse
from idiolect.okt.read import read
from idiolect.okt.reading import Reading
from idiolect.okt.rules import answer, data, measure, ship, structure, training
from idiolect.okt.syntax import Script
from idiolect.okt.text import read_script
from idiolect.source import SourceText

KEYWORDS = frozenset((*BLOCKS, *BLOCK_ALIASES))
# Faults of absence, which a broken syntax may only seem to have.
_ABSENCES = ("L105", "L106", "L305", "L112")


@dataclass(frozen=True, slots=True)
class Checked:
    """A script with all that is to be said of it."""

    script: Script
    reading: Reading
    diagnostics: list[Diagnostic]

    @property
    def errors(self) -> list[Diagnostic]:
        return [item for item in self.diagnostics if item.severity is Severity.ERROR]

    @property
    def source(self) -> SourceText:
        return self.script.source


def check_text(text: str, name: str = "<input>", *, pedantic: bool = False, strict: bool = False) -> Checked:
    """Parse and check a text. `strict` makes errors of warnings; `pedantic` refuses our own extensions."""
    source = SourceText(text, name)
    reporter = Reporter()
    script = parse(source, reporter, KEYWORDS)
    broken = any(item.severity is Severity.ERROR for item in reporter.found)
    reading = read(script, reporter)
    rules = Reporter()
    rules.found = list(reporter.found)  # some rules keep quiet about what is told already
    _apply_rules(reading, rules, pedantic=pedantic)
    told = rules.found[len(reporter.found) :]
    if broken:
        # Where the syntax is broken, what seems to be missing may only be unread.
        told = [item for item in told if item.code not in _ABSENCES]
    found = [*reporter.found, *told]
    if strict:
        found = [hardened(item) for item in found]
    return Checked(script, reading, order(found))


def check_file(path: Path, *, pedantic: bool = False, strict: bool = False) -> Checked:
    """Check a file; `UnreadableScript` where there is no text to check."""
    return check_text(read_script(path), str(path), pedantic=pedantic, strict=strict)


def _apply_rules(reading: Reading, reporter: Reporter, *, pedantic: bool) -> None:
    structure.required_blocks(reading, reporter)
    structure.required_fields(reading, reporter)
    model = structure.model_base(reading, reporter)
    structure.dialect_needed(reading, reporter)
    structure.hardware_hints(reading, reporter)
    structure.ahead_of_language(reading, reporter)
    structure.newer_than_declared(reading, reporter)
    training.loop_settings(reading, reporter)
    training.lora(reading, model, reporter)
    data.dataset_source(reading, reporter)
    data.mixes(reading, reporter)
    data.same_data(reading, reporter)
    training.architectures(reading, model, reporter)
    training.checkpoints(reading, reporter)
    training.older_forms(reading, reporter)
    measure.metrics(reading, reporter)
    measure.explorer(reading, reporter)
    training.environment(reading, reporter)
    measure.monitor_without_cuda(reading, reporter)
    training.adapter_with_training(reading, model, reporter)
    training.project_paths(reading, reporter)
    data.synthesis(reading, reporter)
    answer.inference(reading, reporter)
    answer.guard(reading, reporter)
    answer.security(reading, reporter)
    ship.export(reading, model, reporter)
    ship.deploy(reading, reporter)
    if pedantic:
        structure.pedantic(reading, reporter)

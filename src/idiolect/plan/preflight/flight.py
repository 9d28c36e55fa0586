"""A look at what a script points to: the script, where its paths start from, and the findings so far.

The probes know no script; here their findings get the place of the field that named the thing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from idiolect.okt.check import Checked
from idiolect.okt.diagnostics import Diagnostic, Reporter, Severity
from idiolect.okt.reading import Reading, Written
from idiolect.plan.paths import Located, locate, project_root
from idiolect.problem import Problem
from idiolect.source import Span
from idiolect.student.reference import ModelFound


@dataclass(slots=True)
class Flight:
    """A checked script, where its paths start from, and the findings so far."""

    checked: Checked
    script: Path
    reporter: Reporter = field(default_factory=Reporter)
    models: list[ModelFound] = field(default_factory=list)  # the base models, as far as they were found

    @property
    def reading(self) -> Reading:
        return self.checked.reading

    @property
    def root(self) -> Path:
        return project_root(self.script)[0]

    def find(self, written: Written | str, *, note: bool = True) -> Located:
        """Where a written path leads; which base matched is noted."""
        text = written if isinstance(written, str) else str(written.value)
        found = locate(text, self.script)
        usual = ("project root", "absolute")
        if note and found.exists and isinstance(written, Written) and found.base not in usual:
            self.reporter.info(
                "L210", written.span, f'"{text}" was found below the {found.base}: {found.path}'
            )
        return found

    def tell(self, found: Problem, span: Span, *, milder: bool = False) -> None:
        """A finding, at the place that named the thing. `milder` turns an error into a warning."""
        severity = Severity(found.severity)
        if milder and severity is Severity.ERROR:
            severity = Severity.WARNING
        where = f" ({found.where})" if found.where and found.where not in found.message else ""
        self.reporter.found.append(Diagnostic(found.code, severity, found.message + where, span, found.help))

"""Which stages of a run would run, be skipped or be left out, and why. Nothing is written here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from idiolect.runs.changes import Disturbed, disturbed, in_brief, what_changed, what_is_the_same
from idiolect.runs.digest import Digester, sha256_of
from idiolect.runs.folder import RunFolder, names_in
from idiolect.runs.inputs import Found, Surroundings, find_inputs
from idiolect.runs.manifest import Content, Manifest, StageRecord
from idiolect.runs.stage import Stage, StageError

Action = Literal["run", "skip", "left out", "not available"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the run the user asked for."""

    first: str | None = None
    last: str | None = None
    force: frozenset[str] = frozenset()  # stages to run whether or not something changed


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a stage, and why."""

    stage: str
    action: Action
    why: str
    found: Found | None = None
    altered: frozenset[str] = frozenset()  # files of last time that somebody changed since


class Decider:
    """Decides stage by stage; each decision holds for the manifest of that moment."""

    def __init__(
        self,
        table: Mapping[str, Stage],
        around: Surroundings,
        run: RunFolder,
        wanted: Wanted,
        digester: Digester,
    ) -> None:
        self.table = table
        self.around = around
        self.run = run
        self.wanted = wanted
        self.digester = digester
        self._planned = {stage.name: stage for stage in around.plan.stages}

    def selected(self) -> list[Stage]:
        """The stages asked for, in order."""
        names = list(self.table)
        first = names.index(self.wanted.first) if self.wanted.first else 0
        last = names.index(self.wanted.last) if self.wanted.last else len(names) - 1
        return [self.table[name] for name in names[first : last + 1]]

    def before(self) -> list[Stage]:
        """The stages before those asked for, as far as the plan has them: used as they are."""
        selected = self.selected()
        names = list(self.table)
        first = names.index(selected[0].name) if selected else 0
        return [self.table[name] for name in names[:first] if self.takes_place(name)]

    def takes_place(self, name: str) -> bool:
        return name in self._planned and self._planned[name].runs

    def decide(self, stage: Stage, manifest: Manifest | None) -> Decision:
        """What becomes of a stage now. StageError where what it needs is not there."""
        planned = self._planned.get(stage.name)
        if planned is None or not planned.runs:
            return Decision(stage.name, "left out", planned.why if planned else "the plan does not have it")
        if not is_available(stage):
            return Decision(stage.name, "not available", "not available in this version")
        found = find_inputs(stage, self.around, self._needed(stage, manifest), self.digester)
        record = manifest.stage(stage.name) if manifest else None
        if record is None:
            return Decision(stage.name, "run", "first time", found)
        since = self._disturbed(stage, record)
        changed = what_changed(record.basis, found.basis)
        if stage.name in self.wanted.force:
            why = "--force"
        elif stage.always:
            why = "always"
        elif changed:
            why = in_brief(changed)
        elif record.key != found.key:
            why = "what it is made from is not as it was"
        elif since.told():
            why = in_brief(since.told())
        else:
            return Decision(stage.name, "skip", f"unchanged: {what_is_the_same(found.basis)}", found)
        return Decision(stage.name, "run", why, found, frozenset(since.altered + since.added))

    def changed_since(self, stage: Stage, manifest: Manifest) -> str:
        """What changed for a stage whose files are used as they are; empty where nothing did."""
        record = manifest.stage(stage.name)
        if record is None or stage.always:
            return ""
        try:
            found = find_inputs(stage, self.around, self._needed(stage, manifest), self.digester)
        except StageError as error:
            return str(error)
        return in_brief(what_changed(record.basis, found.basis) + self._disturbed(stage, record).told())

    def _needed(self, stage: Stage, manifest: Manifest | None) -> dict[str, tuple[Path, Content]]:
        needed = {}
        for name in stage.needs:
            if not self.takes_place(name):
                continue
            other = self.table[name]
            record = manifest.stage(name) if manifest else None
            if record is None:
                raise StageError(
                    f"{stage.name} needs the files of {name}, which has not come to its end yet",
                    f"run it first: --until {name}, or leave --from and --only out",
                )
            needed[name] = (self.run.of(name, other.at_root), _together(record))
        return needed

    def _disturbed(self, stage: Stage, record: StageRecord) -> Disturbed:
        folder = self.run.of(stage.name, stage.at_root)
        now = {
            output.name: self.digester.content(folder / output.name)
            for output in record.outputs
            if (folder / output.name).exists()
        }
        # Beside the files of a stage at the root there are others; a folder of its own holds only its own.
        present = names_in(folder) if not stage.at_root and folder.is_dir() else ()
        return disturbed(record.outputs, now, present)


def is_available(stage: Stage) -> bool:
    """Whether this version has the stage's code; nothing of it is loaded."""
    module, _, name = stage.function.partition(":")
    try:
        return bool(name) and find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _together(record: StageRecord) -> Content:
    """What all files of a stage hold, as one."""
    contents = [(output.name, output.content) for output in record.outputs if output.content is not None]
    return Content(
        files=sum(content.files for _, content in contents),
        bytes=sum(content.bytes for _, content in contents),
        sha256=sha256_of(json.dumps([[name, content.sha256] for name, content in contents])),
    )

"""Walks a run's stages: skips what did not change, does the rest, and puts each one's files in place.

A process killed at any instruction leaves a folder that the next one goes on with, to the same bytes. It
does **not** print: a `Watcher` is told what happens.
"""

from __future__ import annotations

import platform
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from idiolect import __version__
from idiolect.runs.commit import Commit, carry_out, moves_of, recover
from idiolect.runs.decide import Decider, Decision, Wanted
from idiolect.runs.digest import Digester, sha256_of
from idiolect.runs.folder import HASHES, PLAN, SCRIPT, RunFolder, another_script, script_name
from idiolect.runs.inputs import Surroundings
from idiolect.runs.lock import RunLock
from idiolect.runs.manifest import MANIFEST, DamagedManifest, Interrupted, Manifest, dumped, read_manifest
from idiolect.runs.perform import check_names, perform, record_of
from idiolect.runs.stage import Stage, StageError, StageStopped
from idiolect.runs.stopping import Stopper
from idiolect.runs.times import Clock
from idiolect.runs.watching import StageWatch, Watcher

_ASK_AGAIN = "run without --from and --only, which looks at it again"
How = Literal["done", "not available", "stopped", "failed", "gate failed", "blocked"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, and in which stage."""

    how: How
    stage: str = ""
    reasons: tuple[str, ...] = ()
    help: str = ""


class Run:
    """One walk over the stages of a plan, in a folder that this process alone works in."""

    def __init__(
        self,
        table: Mapping[str, Stage],
        around: Surroundings,
        script_text: str,
        run: RunFolder,
        wanted: Wanted,
        watcher: Watcher,
        stopper: Stopper,
    ) -> None:
        self._table = table
        self._around = around
        self._script_text = script_text
        self._run = run
        self._watcher = watcher
        self._stopper = stopper
        self._digester = Digester(run.path / HASHES, self._check_stop)
        self._decider = Decider(table, around, run, wanted, self._digester)
        self._clock = Clock(run)

    def walk(self) -> Outcome:
        """Do what is to be done. Locked says that another process works in the folder."""
        self._run.path.mkdir(parents=True, exist_ok=True)
        with RunLock(self._run.path):
            try:
                outcome = self._walk(self._begin())
            except (StageStopped, KeyboardInterrupt):
                self._stopper.heard()
                outcome = Outcome("stopped")
            self._run.write(HASHES, self._digester.memory_text())
            self._clock.log(f"run: {outcome.how} {outcome.stage}".rstrip())
            self._clock.end()
            self._run.clear_partial()
        return outcome

    def decisions(self) -> list[Decision]:
        """What a walk would do, writing nothing. After a stage that runs, the rest depends on its files."""
        manifest: Manifest | None
        try:
            manifest = read_manifest(self._run.path)
        except DamagedManifest:
            manifest = None
        made: list[Decision] = []
        waiting_for = ""
        for stage in self._decider.selected():
            if waiting_for and waiting_for in stage.needs and self._decider.takes_place(stage.name):
                made.append(Decision(stage.name, "run", f"if {waiting_for} gives other files than last time"))
                continue
            decision = self._decider.decide(stage, manifest)
            made.append(decision)
            if decision.action == "not available":
                break
            if decision.action == "run" and not stage.always:
                waiting_for = stage.name
        return made

    def _begin(self) -> Manifest:
        """Finish what an earlier process left unfinished, and write down what makes this run."""
        new = self._new_manifest()
        try:
            old = read_manifest(self._run.path)
        except DamagedManifest:
            old = new
        if old.script not in (new.script, self._run.found_owner):
            raise another_script(self._run.path, old)  # it came between choosing the folder and locking it
        old = recover(self._run, old, tuple(self._table))
        self._run.clear_partial()
        manifest = new.model_copy(update={"stages": old.stages, "interrupted": old.interrupted})
        self._run.write(MANIFEST, dumped(manifest))
        self._run.write(PLAN, dumped(self._around.plan))
        self._run.write(SCRIPT, self._script_text)
        self._clock.begin()
        return manifest

    def _new_manifest(self) -> Manifest:
        plan = self._around.plan
        values = plan.model_dump_json(by_alias=True, exclude={"script", "settings", "conflicts"})
        return Manifest(
            project=plan.project.name,
            script=script_name(self._around.script, self._around.root),
            script_sha256=sha256_of(self._script_text),
            plan_sha256=sha256_of(values),
            versions={"idiolect": __version__, "python": platform.python_version()},
        )

    def _walk(self, manifest: Manifest) -> Outcome:
        refused = self._refused_before(manifest)
        if refused is not None:
            return refused
        for stage in self._decider.selected():
            try:
                manifest, outcome = self._stage(stage, manifest)
            except (StageStopped, KeyboardInterrupt):
                self._stopper.heard()
                self._interrupted(stage, "stopped")
                return Outcome("stopped", stage.name)
            except (StageError, OSError) as error:
                return self._failed(stage, _told(error), getattr(error, "help", ""))
            except Exception as error:  # a fault of ours: told as one, with its traceback in the log
                self._clock.log(traceback.format_exc())
                told = f"{type(error).__name__}: {error}"
                return self._failed(
                    stage, told, f"this is a fault of Idiolect; details are in {self._run.log}"
                )
            if outcome is not None:
                return outcome
        self._write_interrupted(None)
        return Outcome("done")

    def _refused_before(self, manifest: Manifest) -> Outcome | None:
        """Whether a stage before those asked for ended badly; one that only changed is worth a warning."""
        for stage in self._decider.before():
            record = manifest.stage(stage.name)
            if record is not None and record.ending != "done":
                return Outcome(record.ending, stage.name, record.reasons, _ASK_AGAIN)
            changed = self._decider.changed_since(stage, manifest)
            if changed:
                self._watcher.warn(stage.name, f"used as it is, though {changed}")
        return None

    def _stage(self, stage: Stage, manifest: Manifest) -> tuple[Manifest, Outcome | None]:
        """Do what is to be done for one stage; an outcome where the run ends with it."""
        self._check_stop()
        decision = self._decider.decide(stage, manifest)
        self._watcher.decided(decision)
        self._clock.log(f"{stage.name}: {decision.action}: {decision.why}")
        if decision.action == "left out":
            return manifest, None
        if decision.action == "not available":
            self._write_interrupted(None)
            return manifest, Outcome("not available", stage.name)
        if decision.action == "run":
            self._interrupted(stage, "running")
            manifest = self._do(stage, decision, manifest)
        record = manifest.stage(stage.name)
        if record is not None and record.ending != "done":
            return manifest, Outcome(record.ending, stage.name, record.reasons)
        return manifest, None

    def _do(self, stage: Stage, decision: Decision, manifest: Manifest) -> Manifest:
        """Run a stage in a folder of its own, and put what it made in its place."""
        started = time.monotonic()
        self._stopper.patience_s = stage.patience_s
        watch = StageWatch(stage.name, self._watcher, self._log, lambda: self._stopper.asked)
        made, result = perform(stage, decision, self._around.plan, self._around.root, self._run, watch)
        check_names(stage, made, set(self._table))
        record = record_of(stage, decision, result, made, self._digester)
        moves = moves_of(self._run, made, stage, manifest.stage(stage.name), decision.altered)
        manifest = carry_out(self._run, manifest, Commit(record=record, moves=moves), tuple(self._table))
        seconds = time.monotonic() - started
        self._clock.stage_ended(stage.name, seconds)
        self._watcher.ended(record, seconds)
        return manifest

    def _failed(self, stage: Stage, reason: str, help: str) -> Outcome:
        self._clock.log(f"{stage.name}: failed: {reason}")
        self._interrupted(stage, "failed", reason)
        return Outcome("failed", stage.name, (reason,), help)

    def _interrupted(
        self, stage: Stage, how: Literal["running", "stopped", "failed"], reason: str = ""
    ) -> None:
        self._write_interrupted(Interrupted(stage=stage.name, how=how, reason=reason))

    def _write_interrupted(self, interrupted: Interrupted | None) -> None:
        # Read again: an interrupt may have come after a commit and before its manifest was handed on.
        manifest = read_manifest(self._run.path).model_copy(update={"interrupted": interrupted})
        self._run.write(MANIFEST, dumped(manifest))

    def _log(self, stage: str, line: str) -> None:
        self._clock.log(f"{stage}: {line}")
        self._watcher.log(stage, line)

    def _check_stop(self) -> None:
        if self._stopper.asked:
            raise StageStopped


def _told(error: StageError | OSError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)

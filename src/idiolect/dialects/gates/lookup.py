"""Finds what a name in an expression means, and says so where it means nothing.

One lookup serves a module's body, or one stage of it, whose own wires it sees first.
"""

from __future__ import annotations

from dataclasses import dataclass

from idiolect.dialects.gates.scope import Kind, Report, Scope, Signal
from idiolect.dialects.gates.syntax import Name, Ref, Stage


@dataclass(slots=True)
class Lookup:
    """The names that statements of a module, or of one of its stages, can use."""

    scope: Scope
    report: Report
    stage: Stage | None = None

    def signal(self, reference: Ref) -> Signal | None:
        """The signal that a reference reads; a name that means nothing here is reported."""
        if reference.owner is not None:
            return self._owned(reference, reference.owner)
        name = reference.name.text
        local = f"{self.stage.name}.{name}" if self.stage else ""
        found = self.scope.signals.get(local) if local else None
        if found is not None and found.kind is Kind.WIRE:
            return found
        if found is not None and name not in self.scope.signals:
            message = f"{name} is a value that the stage latches"
            self.report.add("stage.value", message, reference.span, f"read it as {local}")
            return None
        found = self.scope.signals.get(name)
        if found is None:
            self.undeclared(reference.name)
        return found

    def undeclared(self, name: Name) -> None:
        if name.text in self.scope.instances or name.text in self.scope.stages:
            kind = "an instance" if name.text in self.scope.instances else "a stage"
            hint = f"name one of its values: {name}.Y"
            self.report.add("name.kind", f"{name} is {kind}, not a signal", name.span, hint)
        elif name.text not in self.scope.undeclared:
            self.scope.undeclared.add(name.text)
            names = list(self.scope.signals if self.stage is None else self._visible())
            known = [known for known in names if "." not in known]
            hint = f"declare it: WIRE {name};"
            self.report.misspelt("name.undeclared", f"{name} is not declared", name, known, hint)

    def _visible(self) -> list[str]:
        assert self.stage is not None
        prefix = f"{self.stage.name}."
        local = [name.removeprefix(prefix) for name in self.scope.signals if name.startswith(prefix)]
        return [*local, *self.scope.names()]

    def _owned(self, reference: Ref, owner: Name) -> Signal | None:
        full = f"{owner}.{reference.name}"
        if owner.text in self.scope.stages:
            found = self.scope.signals.get(full)
            if found is not None and (found.kind is Kind.VALUE):
                return found
            latched = [
                name.removeprefix(f"{owner}.")
                for name, signal in self.scope.signals.items()
                if name.startswith(f"{owner}.") and signal.kind is Kind.VALUE
            ]
            message = f"stage {owner} latches no value {reference.name}"
            hint = f"it latches {', '.join(latched[:5])}" if latched else "the stage latches nothing"
            self.report.misspelt("stage.value", message, reference.name, latched, hint)
            return None
        if owner.text in self.scope.instances:
            return self._output(reference, owner, full)
        if owner.text not in self.scope.undeclared:
            self.scope.undeclared.add(owner.text)
            self._unknown_owner(owner)
        return None

    def _output(self, reference: Ref, owner: Name, full: str) -> Signal | None:
        found = self.scope.signals.get(full)
        if found is None:
            outputs = [
                name.removeprefix(f"{owner}.") for name in self.scope.signals if name.startswith(f"{owner}.")
            ]
            if outputs:  # else the instance's module is unknown, which was reported
                message = f"{owner} has no output {reference.name}"
                hint = f"its outputs are {', '.join(outputs[:5])}"
                self.report.misspelt("instance.port", message, reference.name, outputs, hint)
        return found

    def _unknown_owner(self, owner: Name) -> None:
        stages, instances = list(self.scope.stages), list(self.scope.instances)
        near = self.report.near(owner.text, stages)
        if stages and (near or not instances):
            self.report.misspelt(
                "stage.unknown",
                f"there is no stage {owner}",
                owner,
                stages,
                f"the stages are {', '.join(stages[:5])}",
            )
        else:
            message = f"{owner} is neither an instance nor a stage"
            self.report.misspelt(
                "name.undeclared", message, owner, instances, "declare it, or write a signal"
            )

    def check_moment(self, reference: Ref, found: Signal) -> None:
        """A stage that comes after another may not read from another moment of the pipeline."""
        stage = self.stage
        if stage is None or stage.after is None or found.kind in (Kind.REG, Kind.CONST, Kind.RESET):
            return
        owner, _, _ = found.name.rpartition(".")
        if owner in (stage.name.text, stage.after.text):
            return
        message = (
            f"stage {stage.name} comes after {stage.after} and can't read {found.name} of another moment"
        )
        short = found.name.rpartition(".")[2]
        hint = f"carry it: {short} <= {short}; in {stage.after}, then read {stage.after}.{short}"
        self.report.add("stage.skew", message, reference.span, hint)

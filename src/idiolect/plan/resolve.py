"""Script to plan: inheritance, priorities and defaults, by the rules of the language's FAQ.

Nothing is inferred in silence: whatever was chosen is in the plan's settings with its reason.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idiolect.okt.check import Checked
from idiolect.okt.fields import Block
from idiolect.okt.language import BLOCKS
from idiolect.plan.plan import Data, DataSource, Origin, Plan, Project
from idiolect.plan.resolve_answer import deploy, export, inference
from idiolect.plan.resolve_train import logging, lora, train
from idiolect.plan.settle import Candidate, derived, proposed
from idiolect.plan.sources import BASE_ORDER, DATASET_ORDER, LORA_OVER_DATASET, TEACHER_ORDER, Sources
from idiolect.plan.stages import stages_of

_DEFAULT_TEACHER = "gpt-oss:120b"


def resolve(checked: Checked, environment: Mapping[str, str] | None = None, root: Path | None = None) -> Plan:
    """The plan of a checked script without errors. `root` is where .llmrc is looked for."""
    return _Resolver(checked, os.environ if environment is None else environment, root).plan()


class _Resolver:
    def __init__(self, checked: Checked, environment: Mapping[str, str], root: Path | None) -> None:
        self.sources = Sources(checked)
        self.environment = environment
        self.root = root

    def plan(self) -> Plan:
        reading = self.sources.reading
        project = self._project()
        sections: dict[str, Any] = {"env": self.sources.section("ENV")}
        sections["model"] = self._model(project)
        sections["dataset"], sections["data"] = self._data()
        if reading.trains:
            sections["ft_lora"] = lora(self.sources)
            sections["train"] = train(self.sources, project)
            for keyword in ("VALIDATE", "STABILITY"):
                sections[keyword.lower()] = self.sources.section(keyword)
        if reading.trains or reading.has("LOGGING"):
            sections["logging"] = logging(self.sources, project)
        if reading.has("MONITOR"):
            folder = project.run_folder
            sections["monitor"] = self.sources.with_fallbacks(
                "MONITOR", export_to=f"{folder}/logs/system.json"
            )
        if reading.has("INFERENCE"):
            sections["inference"] = inference(self.sources)
        if reading.has("DEPLOY"):
            sections["deploy"] = deploy(self.sources, project)
        if reading.has("EXPORT"):
            sections["export"] = export(self.sources)
        if reading.has("TEACHER") or reading.has("SYNTHESIZE"):
            sections["teacher"] = self._teacher()
        for keyword in _PLAIN_SECTIONS:
            if reading.has(keyword):
                sections[keyword.lower()] = self.sources.section(keyword)
        stages = stages_of(reading)
        return Plan(
            script=self.sources.checked.source.name,
            language_version=reading.pragma.version if reading.pragma else "1.0",
            project=project,
            **sections,
            settings=self.sources.ledger.settings,
            conflicts=tuple(self.sources.ledger.conflicts),
            stages=stages,
        )

    def _project(self) -> Project:
        head = self.sources.reading.head
        for name, written in head.fields.items():
            self.sources.ledger.note(name, written.value, self.sources.ledger.place(written))
        name = head.get("PROJECT") or Path(self.sources.checked.source.name).stem
        if not head.has("PROJECT"):
            self.sources.ledger.note("PROJECT", name, Origin(kind="derived", source="the script's file name"))
        return Project(
            name=name,
            description=head.get("DESCRIPTION"),
            version=head.get("VERSION"),
            tags=tuple(head.get("TAGS") or ()),
            author=head.get("AUTHOR"),
            run_folder=f"runs/{name}",
        )

    def _model(self, project: Project) -> Block | None:
        if not self.sources.model.chain:
            return None
        settled: dict[str, Any] = {}
        for spec in BLOCKS["MODEL"].fields:
            if spec.name in ("base", "device", "ADAPTER", "inherit"):
                continue
            value = self.sources.inherited(spec.name)
            if value is not None:
                settled[spec.name] = value
        if "name" not in settled:
            settled["name"] = self.sources.settle("MODEL.name", "", derived("PROJECT", project.name))
        bases = [self.sources.of("FT_LORA", "base_model"), *self.sources.levels("base")]
        settled["base"] = self.sources.settle("MODEL.base", BASE_ORDER, *bases)
        settled["device"] = self.sources.inherited("device")
        settled["ADAPTER"] = self.sources.model.nested("ADAPTER")
        said = {name: value for name, value in settled.items() if value is not None}
        return self.sources.section("MODEL", said)

    def _data(self) -> tuple[Block | None, Data | None]:
        percent = self.sources.settle(
            "DATASET.dataset_percent",
            LORA_OVER_DATASET,
            self.sources.of("FT_LORA", "dataset_percent"),
            self.sources.of("DATASET", "dataset_percent"),
            proposed("DATASET.dataset_percent", 100),
        )
        section = (
            self.sources.section("DATASET", {"dataset_percent": percent})
            if self.sources.reading.has("DATASET")
            else None
        )
        ranked = [
            self.sources.of("FT_LORA", "mix_datasets"),
            self.sources.of("DATASET", "mix_datasets"),
            self.sources.of("FT_LORA", "train_dataset"),
            self.sources.of("DATASET", "train"),
        ]
        winner = next((candidate for candidate in ranked if candidate.value is not None), None)
        if winner is None:
            return section, None
        self.sources.settle("DATA.sources", f"dataset order: {DATASET_ORDER}", *ranked)
        if isinstance(winner.value, str):
            sources = [DataSource(path=winner.value)]
        else:
            sources = [DataSource(path=item.get("path"), weight=item.get("weight")) for item in winner.value]
        return section, Data(sources=tuple(sources), percent=percent, given_by=winner.source)

    def _teacher(self) -> Block:
        model = self.sources.settle(
            "TEACHER.model",
            f"teacher order: {TEACHER_ORDER}",
            _outside("LLM_MODEL in the environment", self.environment.get("LLM_MODEL")),
            _outside(".llmrc at the project root", _llmrc(self.root)),
            self.sources.of("TEACHER", "model"),
            proposed("TEACHER.model", _DEFAULT_TEACHER),
        )
        return self.sources.section("TEACHER", {"model": model})


_PLAIN_SECTIONS = (
    "METRICS",
    "CONTROL",
    "EXPLORER",
    "HOOKS",
    "BEHAVIOR",
    "GUARD",
    "INFER",
    "SECURITY",
    "DIALECT",
    "CORPUS",
    "SYNTHESIZE",
    "EVALUATE",
    "ALIGN",
    "MERGE",
    "PACKAGE",
)


def _outside(source: str, value: str | None) -> Candidate:
    return Candidate(source, value or None, Origin(kind="environment", source=source))


def _llmrc(root: Path | None) -> str | None:
    """The one line of .llmrc, if there is one."""
    if root is None:
        return None
    try:
        text = (root / ".llmrc").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return lines[0][:200] if lines else None

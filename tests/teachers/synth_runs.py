"""Projects whose stage synth is run, and a model on a fake server that answers the recipe's questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from idiolect.okt.check import check_file
from idiolect.plan.paths import project_root
from idiolect.runs.decide import Wanted
from idiolect.runs.engine import Outcome, Run
from idiolect.runs.folder import choose_folder, script_name
from idiolect.runs.inputs import Surroundings
from idiolect.runs.manifest import StageRecord
from idiolect.runs.placed import placed, plan_of
from idiolect.runs.stages import TABLE
from idiolect.runs.stopping import Stopper
from idiolect.teachers.fake import Asked, plain_answer

SCRIPT = """# okto_version: "1.2"
PROJECT "trees"

DIALECT {{
    name: "json_ast"
}}

{teacher}

SYNTHESIZE {{
    recipe: "schema_ast"
    count: 2
    positives_per_schema: 12
    examples_per_schema: 4
    queries_per_schema: 4
{more}
}}
"""
OFFLINE = "TEACHER {\n    offline: true\n}"


def make_project(root: Path, *, teacher: str = OFFLINE, more: str = "", script: str = SCRIPT) -> Path:
    (root / "scripts").mkdir(parents=True)
    text = script.format(teacher=teacher, more=more)
    (root / "scripts" / "train.okt").write_text(text)
    return root


def server_block(url: str, *, max_calls: int | None = None, retries: int = 3) -> str:
    budget = f"\n    max_calls: {max_calls}" if max_calls else ""
    return f'TEACHER {{\n    model: "fake"\n    url: "{url}"\n    retries: {retries}{budget}\n}}'


class Notes:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.records: dict[str, StageRecord] = {}
        self.warnings: list[str] = []
        self.actions: dict[str, str] = {}

    def decided(self, decision: Any) -> None:
        self.actions[decision.stage] = decision.action

    def progress(self, stage: str, done: int, total: int | None, text: str) -> None:
        pass

    def log(self, stage: str, line: str) -> None:
        pass

    def warn(self, stage: str, text: str) -> None:
        self.warnings.append(text)

    def ended(self, record: StageRecord, seconds: float) -> None:
        self.records[record.name] = record

    def closed(self) -> None:
        pass


def synth(root: Path, notes: Notes | None = None, *, force: bool = False) -> Outcome:
    """Run the stage alone."""
    script = root / "scripts" / "train.okt"
    checked = check_file(script)
    assert not checked.errors, checked.errors
    root, _ = project_root(script)
    plan = plan_of(checked, script)
    folder = choose_folder(root / plan.project.run_folder, plan.project.name, script_name(script, root))
    plan = placed(plan, folder.path.relative_to(root).as_posix())
    around = Surroundings(plan, script, root, folder.path.parent)
    wanted = Wanted("synth", "synth", frozenset({"synth"}) if force else frozenset())
    return Run(TABLE, around, checked.source.text, folder, wanted, notes or Notes(), Stopper()).walk()


def made(root: Path) -> dict[str, bytes]:
    """The files of the stage."""
    folder = root / "runs" / "trees" / "synth"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def report(root: Path) -> dict[str, Any]:
    return json.loads(made(root)["report.json"])


SPEC = {
    "entity": "lamps",
    "fields": [
        {
            "name": "colour",
            "type": "enum",
            "synonyms": ["hue"],
            "values": [
                {"const": "red", "synonyms": ["scarlet"]},
                {"const": "green", "synonyms": []},
                {"const": "blue", "synonyms": ["azure"]},
            ],
        },
        {"name": "watts", "type": "integer", "synonyms": ["power"], "minimum": 1, "maximum": 200},
        {"name": "room", "type": "string", "synonyms": ["place"], "description": "where it hangs"},
        {"name": "bought_on", "type": "date", "synonyms": ["purchase date"]},
    ],
}


def good_answer(asked: Asked) -> str:
    """What a model would say that does all that it is asked."""
    properties = (asked.schema or {}).get("properties", {})
    if "entity" in properties:
        return json.dumps(SPEC)
    if "queries" in properties:
        return json.dumps({"queries": [f"lamps like {asked.content[:6]} {n}" for n in range(10)]})
    return plain_answer(asked)


def erring_answer(asked: Asked) -> str:
    """The same, with answers that are wrong at first, and some that stay so."""
    first = len(asked.messages) == 2
    draw = int(asked.content[:4], 16)
    properties = (asked.schema or {}).get("properties", {})
    if "entity" in properties and first:
        fields = [{**SPEC["fields"][0], "values": []}, *SPEC["fields"][1:]]
        return json.dumps({**SPEC, "fields": fields})
    if not properties:
        question = asked.messages[1].content
        if sum(map(ord, question)) % 5 == 0:  # whatever is said to it
            return '{"action": "explode"}'
        if first and draw % 3 == 0:
            return "I can't say" if draw % 2 else '{"action": "find", "entity": "chairs"}'
    return good_answer(asked)

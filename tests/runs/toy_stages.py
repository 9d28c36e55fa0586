"""A small table of stages, and a run over them: what the tests of runs walk, kill and change."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

from idiolect.okt.check import check_file
from idiolect.plan.paths import project_root
from idiolect.runs.decide import Decision, Wanted
from idiolect.runs.engine import Outcome, Run
from idiolect.runs.folder import RunFolder, choose_folder, script_name
from idiolect.runs.inputs import Surroundings
from idiolect.runs.manifest import StageRecord
from idiolect.runs.placed import placed, plan_of
from idiolect.runs.stage import Counts, Stage, StageError, StageResult, StageWork
from idiolect.runs.stopping import Stopper

SCRIPT = """# okto_version: "1.2"
PROJECT "toy"

DIALECT {
    name: "gates"
}

CORPUS {
    sources: ["texts/*.txt"]
    near_dedup: 0.85
}

SYNTHESIZE {
    recipe: "simulate"
    count: 12
}
"""

TABLE = {
    row.name: row
    for row in (
        Stage("environment", "toy_stages:run_environment", settings=("env",), at_root=True, always=True),
        Stage("corpus", "toy_stages:run_corpus", settings=("corpus",), reads=("corpus.sources",)),
        Stage("synth", "toy_stages:run_synth", settings=("synthesize",), needs=("corpus",)),
        Stage(
            "split", "toy_stages:run_split", settings=("dataset",), needs=("corpus", "synth"), at_root=True
        ),
        Stage("train", ""),
    )
}


def run_environment(work: StageWork) -> StageResult:
    (work.folder / "env_report.json").write_text('{"status": "compatible"}\n')
    return StageResult()


def run_corpus(work: StageWork) -> StageResult:
    """Every line of the sources, upper case, a file each; "refuse" is what it can't work with."""
    lines = [line for path in work.inputs.of("corpus.sources") for line in path.read_text().splitlines()]
    if "refuse" in lines:
        raise StageError('a line says "refuse"', "take it out")
    if "crash" in lines:
        raise RuntimeError("unforeseen")
    kept = sorted(set(lines))
    (work.folder / "pages").mkdir()
    for at, line in enumerate(kept):
        (work.folder / "pages" / f"{at}.txt").write_text(line.upper())
        work.progress(at + 1, len(kept), line)
        work.stop_if_asked()
    (work.folder / "all.json").write_text(json.dumps(kept))
    work.log(f"{len(kept)} lines")
    counts = Counts("lines", len(lines), len(kept), {"repeat": len(lines) - len(kept)})
    ending = "gate failed" if "gate" in lines else "done"
    return StageResult((counts,), {"lines": len(kept)}, (), ending, ("a line says gate",) * ("gate" in lines))


def run_synth(work: StageWork) -> StageResult:
    """Answers that are paid for once: each is put into the journal before the next is asked for."""
    paid = work.journal() / "answers"
    paid.mkdir(exist_ok=True)
    assert work.plan.synthesize is not None
    count = work.plan.synthesize.count or 0
    corpus = work.inputs.stage("corpus")
    assert corpus is not None
    first = json.loads((corpus / "all.json").read_text())[0]
    answers = []
    for number in range(count):
        work.stop_if_asked()
        request = f"{first}-{number}-{work.seed}"
        answer = paid / request
        if not answer.exists():
            beside = paid / f"{request}.part"
            beside.write_text(request[::-1])
            beside.rename(answer)
        answers.append(answer.read_text())
    (work.folder / "examples.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    return StageResult((Counts("answers", count, count),))


def run_split(work: StageWork) -> StageResult:
    synth = work.inputs.stage("synth")
    assert synth is not None
    rows = (synth / "examples.jsonl").read_text().splitlines()
    (work.folder / "checkpoint-1").mkdir()
    (work.folder / "checkpoint-1" / "rows.txt").write_text("\n".join(rows[:10]))
    (work.folder / "tokenizer.json").write_text(json.dumps(len(rows)))
    return StageResult()


class Notes:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.decisions: dict[str, Decision] = {}
        self.records: dict[str, StageRecord] = {}
        self.warnings: list[str] = []

    def decided(self, decision: Decision) -> None:
        self.decisions[decision.stage] = decision

    def progress(self, stage: str, done: int, total: int | None, text: str) -> None:
        pass

    def log(self, stage: str, line: str) -> None:
        pass

    def warn(self, stage: str, text: str) -> None:
        self.warnings.append(f"{stage}: {text}")

    def ended(self, record: StageRecord, seconds: float) -> None:
        self.records[record.name] = record

    def closed(self) -> None:
        pass

    def actions(self) -> dict[str, str]:
        return {name: decision.action for name, decision in self.decisions.items()}

    def ran(self) -> list[str]:
        return [name for name, action in self.actions().items() if action == "run" and name != "environment"]


def make_project(root: Path) -> Path:
    """A project folder with a script and three source files."""
    (root / "scripts").mkdir(parents=True)
    (root / "scripts" / "train.okt").write_text(SCRIPT)
    (root / "texts").mkdir()
    for name, text in {"a": "one\ntwo\n", "b": "two\nthree\n", "c": "four\n"}.items():
        (root / "texts" / f"{name}.txt").write_text(text)
    return root


def made(
    root: Path, wanted: Wanted = Wanted(), notes: Notes | None = None, table=TABLE, **choice: bool
) -> Run:
    """A run over the toy stages, of the script in a project folder."""
    script = root / "scripts" / "train.okt"
    checked = check_file(script)
    assert not checked.errors, checked.errors
    root, _ = project_root(script)
    plan = plan_of(checked, script)
    folder = choose_folder(
        root / plan.project.run_folder, plan.project.name, script_name(script, root), **choice
    )
    plan = placed(plan, folder.path.relative_to(root).as_posix())
    around = Surroundings(plan, script, root, folder.path.parent)
    return Run(table, around, checked.source.text, folder, wanted, notes or Notes(), Stopper())


def walk(root: Path, wanted: Wanted = Wanted(), notes: Notes | None = None, **choice: bool) -> Outcome:
    """Walk the toy stages of a project."""
    return made(root, wanted, notes, **choice).walk()


def contents(folder: Path, *, finished: bool = True) -> dict[str, bytes]:
    """What a run left, without times, logs and journals; no leftovers of its own may be among it."""
    names = {path.name for path in folder.iterdir()}
    assert not finished or not names & {".partial", ".lock"}, names
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in RunFolder(folder).content_files()
    }


def run_slow(work: StageWork) -> StageResult:
    """Lasts for long, in the way that the first source asks for."""
    way = work.inputs.of("corpus.sources")[0].read_text().strip()
    print("working", flush=True)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if way == "polite":
            work.stop_if_asked()
            time.sleep(0.01)
        elif way == "asleep":
            time.sleep(20)
        elif way == "deaf":
            with contextlib.suppress(KeyboardInterrupt):
                time.sleep(20)
        elif way == "in a library":
            hashlib.pbkdf2_hmac("sha256", b"x", b"y", 40_000_000)
        elif way == "with workers":
            subprocess.run([sys.executable, "-c", "import time; time.sleep(20)"], check=True)
    return StageResult()


SLOW = {**TABLE, "corpus": Stage("corpus", "toy_stages:run_slow", reads=("corpus.sources",))}

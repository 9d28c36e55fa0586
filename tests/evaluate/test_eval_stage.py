import json
from dataclasses import replace
from pathlib import Path

import pytest
from judged_answers import SCHEMA

from idiolect.data.example import Example
from idiolect.data.jsonl import write_examples
from idiolect.evaluate.eval_stage import run_eval
from idiolect.evaluate.results import read_judged
from idiolect.okt.check import check_file
from idiolect.plan.resolve import resolve
from idiolect.runs.stage import Inputs, StageError, StageResult, StageStopped, StageWork
from tiny_models import tiny_model

SCRIPT = """# okto_version: "1.2"
PROJECT "toy"
DIALECT { name: "json_ast" }
MODEL { base: "models/base" }
DATASET { train: "train.jsonl" }
METRICS { loss perplexity accuracy }
EVALUATE {
    suites: [SUITES]
    k: 2
    temperatures: [0.0, 1.0]
    max_new_tokens: 60
    GATE
}
"""


def project(root: Path, *, suites: str = '"test"', gate: str = "") -> StageWork:
    """A project with a tiny random model and six tasks in its run's test split."""
    tiny_model(root / "models" / "base", "qwen3")
    schema = json.dumps(SCHEMA, separators=(",", ":"))
    examples = [
        Example(
            instruction=f"the price is {number}",
            context=schema,
            target=json.dumps({"field": "price", "value": number}, separators=(",", ":")),
            level="micro",
        )
        for number in range(6)
    ]
    write_examples(root / "split" / "test.jsonl", examples)
    write_examples(root / "split" / "train.jsonl", [replace(examples[0], instruction="other")])
    script = root / "toy.okt"
    script.write_text(SCRIPT.replace("SUITES", suites).replace("GATE", gate))
    checked = check_file(script)
    assert not checked.errors, checked.errors
    plan = resolve(checked, environment={}, root=root)
    (root / "out").mkdir()
    return StageWork(plan, root, root / "out", root / "kept", Inputs(stages={"split": root / "split"}))


def test_a_base_is_asked_under_the_grammar_and_without_it(tmp_path: Path):
    work = project(tmp_path)
    result = run_eval(work)
    judged = read_judged(work.folder / "evaluation_results.jsonl")
    assert len(judged) == 2 * (6 + 12)
    bound = [one for one in judged if one.mode == "constrained"]
    assert all(one.valid and one.finished for one in bound)
    assert not all(one.parsed for one in judged if one.mode == "free")
    assert result.numbers["schema_valid_rate"] == 1.0
    assert result.counts[0].kept == 6
    summary = json.loads((work.folder / "evaluation_summary.json").read_text())
    assert (summary["parsed_rate"], summary["schema_valid_rate"], summary["judge"]) == (1.0, 1.0, "rules")
    metrics = {one["name"]: one for one in summary["metrics"]}
    assert metrics["perplexity"]["value"] > 1.0
    assert summary["prompt_sharing"] > 1.5
    assert json.loads((work.journal() / "latency.json").read_text())["answers"] == 36


def test_a_stopped_evaluation_goes_on_to_the_same_bytes(tmp_path: Path):
    work = project(tmp_path)

    class Stops:
        calls = 0

        def progress(self, done: int, total: int | None, text: str) -> None:
            self.calls += 1

        def log(self, line: str) -> None:
            pass

        def stopping(self) -> bool:
            return self.calls > 2

    with pytest.raises(StageStopped):
        run_eval(replace(work, watch=Stops()))
    run_eval(work)
    first = {path.name: path.read_bytes() for path in work.folder.iterdir()}
    other = replace(work, kept=tmp_path / "anew", folder=tmp_path / "again")
    other.folder.mkdir()
    run_eval(other)
    assert first == {path.name: path.read_bytes() for path in other.folder.iterdir()}


def test_the_gate_and_the_users_own_suite(tmp_path: Path):
    gate = "gate { semantic_pass_rate >= 0.999 }"
    work = project(tmp_path, suites='"own.jsonl"', gate=gate)
    seen = Example(instruction="other", context=json.dumps(SCHEMA, separators=(",", ":")),
                   target='{"field":"price","value":0}')  # fmt: skip
    new = replace(
        seen, instruction="set the color to 77777 of 1234567890", target='{"field":"color","value":77777}'
    )
    negative = replace(new, instruction="bad", valid=False)
    write_examples(tmp_path / "own.jsonl", [seen, new, new, negative])
    result: StageResult = run_eval(work)
    assert result.ending == "gate failed"
    assert result.reasons[0].startswith("semantic_pass_rate >= 0.999: it is 0.")
    counts = result.counts[0]
    assert (counts.read, counts.kept) == (4, 1)
    assert counts.rejected == {"negative": 1, "repeat": 1, "seen in training: same example": 1}


def test_a_suite_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(StageError, match='no suite "scenario"'):
        run_eval(project(tmp_path, suites='"scenario"'))

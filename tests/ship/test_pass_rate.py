import json
from pathlib import Path

import pytest
from test_package import project

from idiolect.data.example import Example
from idiolect.data.jsonl import write_examples
from idiolect.decode.generate import Generator
from idiolect.decode.records import Request, Sampling
from idiolect.runs.stage import StageWork
from idiolect.ship.export import REPORT
from idiolect.ship.export_stage import run_export
from idiolect.ship.pass_rate import Judge
from idiolect.ship.runtimes import llama_cpp_answers
from idiolect.student.load import load_student
from idiolect.student.prompt import turns_of
from idiolect.student.tokens import answer_text, prompt_ids, stop_ids

pytest.importorskip("llama_cpp")


def with_tasks(root: Path, **export: object) -> StageWork:
    work = project(root)
    tasks = [
        Example(
            instruction=f"route N{number} on M3",
            target=f"my::route -net N{number} -layer M3\n",
            level="micro",
        )
        for number in range(3)
    ]
    write_examples(root / "split" / "test.jsonl", tasks)
    plan = work.plan.model_copy(update={"export": work.plan.export.model_copy(update=export)})
    return StageWork(plan, root, work.folder, work.kept, work.inputs)


def test_packed_forms_tell_how_many_answers_the_verifier_accepts(tmp_path: Path):
    work = with_tasks(tmp_path, format=["gguf"], gguf_type="q8_0")
    result = run_export(work)
    gguf, _ = json.loads((tmp_path / "export" / REPORT).read_text())["exports"]
    rate = gguf["pass_rate"]
    assert rate["tasks"] == 3
    assert set(rate["before"]) == {"accepted", "not_judged", "rate"}
    assert result.numbers["gguf_pass_rate_before"] == rate["before"]["rate"]
    assert rate["same_answers"] <= 3


def test_llama_cpp_answers_what_the_student_answers(tmp_path: Path):
    work = with_tasks(tmp_path, format=["gguf"], gguf_type="f16")
    run_export(work)
    student = load_student("student", root=tmp_path, device="cpu", precision="fp32")
    task = Example(instruction="route A on M3", target="x")
    wanted = Generator(student).generate([Request(tuple(turns_of(task)))], Sampling(12))[0][0].text
    prompt = prompt_ids(task, student.tokenizer, student.form)
    stops = stop_ids(student.tokenizer, student.form)
    (ids,) = llama_cpp_answers(next((tmp_path / "export").glob("*.gguf")), [prompt], stops, 12)
    assert answer_text(ids, student.tokenizer, student.form) == wanted


def test_a_judge_says_right_wrong_or_nothing(tmp_path: Path):
    from idiolect.runs.dialect_of import dialect_of

    work = project(tmp_path)
    judge = Judge(*dialect_of(work.plan, work.root))
    task = Example(instruction="route", target="x")
    assert judge.accepts(task, "my::route -net CLK -layer M3\n") is True
    assert judge.accepts(task, "my::unknown\n") is False

"""Time of a finished answer: free decoding, ours, and the same model under XGrammar and outlines.

The model is untrained, so its own choices would say nothing: at every step the token of a good text is
chosen in place of the likeliest one, in every engine alike, after all that the engine does has been done. So
the ratios are of time and steps as a model has them that writes such texts; they say nothing of quality.
Free decoding is transformers' `generate` for as many tokens as the good texts have. Compilation is left out
(a first call warms up) and printed apart. XGrammar gets our printed grammar, outlines its own JSON Schema
back end for JSON and its llguidance back end for Tcl. All run in one process on one thread, and times are
the processor's, since other work may run beside it.

    python benchmarks/decode.py FOLDER [--models tiny,270m] [--vocabularies 32k,262k] [--batches 1,8]
        [--tasks json,tcl] [--engines free,ours,xgrammar,outlines] [--answers 8]

FOLDER keeps the vocabularies (`vocabularies.py` trains them). XGrammar and outlines are no requirements of
the project: engines that can't be imported are left out, and that is printed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from decode_outputs import CATALOG
from vocabularies import SIZES, tokenizer

from idiolect.decode.constraint import Guide
from idiolect.decode.generate import Generator
from idiolect.decode.records import Request, Sampling
from idiolect.dialects.catalog_json import parse_catalog
from idiolect.dialects.context_pack import make_pack
from idiolect.dialects.contract import Context
from idiolect.dialects.registry import load_dialect
from idiolect.grammar.form import Grammar
from idiolect.student.load import Student
from idiolect.student.prompt import make_form

warnings.simplefilter("ignore")

# Gemma 3 270M's own numbers; "tiny" is as small as a student can be.
MODELS = {
    "tiny": {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "head_dim": 64},
    "270m": {"hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "head_dim": 256},
}


@dataclass(frozen=True, slots=True)
class Job:
    """A prompt, the text that shall be written, and its grammar."""

    instruction: str
    context: str
    text: str
    grammar: Grammar
    schema: Any = None


@dataclass(slots=True)
class Timed:
    """One engine's work over all answers."""

    seconds: float = 0.0
    tokens: int = 0
    steps: int = 0
    forced: int = 0
    answers: int = 0
    masks: list[float] = field(default_factory=list)


def jobs_of(task: str, count: int) -> list[Job]:
    """Good texts of one schema or one catalog, with their prompts."""
    rng = random.Random(11)
    if task == "json":
        import json

        dialect = load_dialect("json_ast")
        context = dialect.sample(random.Random(4)).context
        shown = json.dumps(context.schema)
    else:
        dialect = load_dialect("tcl")
        context = Context(catalog=parse_catalog(CATALOG, "catalog"))
        shown = make_pack(context.catalog).text
    made = dialect.constraint(context)
    jobs = []
    while len(jobs) < count:
        sample = dialect.sample(rng, context)
        text = dialect.canonical(sample.text, context)
        if 60 <= len(text) <= 400:
            jobs.append(Job(sample.description, shown, text, made, context.schema))
    return jobs


def student_of(name: str, vocabulary: str, folder: Path) -> Student:
    """A random Gemma-3-shaped model."""
    from transformers import AutoModelForCausalLM, Gemma3TextConfig

    words = tokenizer(vocabulary, folder)
    torch.manual_seed(0)
    shape: dict[str, Any] = MODELS[name]
    kinds = [
        "full_attention" if at % 6 == 5 else "sliding_attention" for at in range(shape["num_hidden_layers"])
    ]
    config = Gemma3TextConfig(
        vocab_size=SIZES[vocabulary], num_attention_heads=4, num_key_value_heads=1, sliding_window=512,
        max_position_embeddings=32_768, layer_types=kinds, query_pre_attn_scalar=shape["head_dim"],
        bos_token_id=None, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id, **shape,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).eval()
    return Student(model, words, make_form(words), "random", "cpu")


class Told(Generator):
    """Our engine, whose every choice is that of a good text; all it would compute is computed."""

    told: dict[int, list[int]]
    timed: Timed

    def choose(self, row: Any, hidden: Any, prompt: Sequence[int]) -> None:
        logits, _ = self.scores(row, hidden)
        float(logits.float().argmax())
        ids = self.told[row.number[0]]
        at = len(row.ids)
        row.choose(ids[at] if at < len(ids) else self.vocabulary.stops[0], 0.0)


def time_ours(student: Student, jobs: list[Job], batch: int) -> tuple[Timed, float]:
    engine = Told(student)
    timed, mask = Timed(), Guide.mask

    def measured(guide: Guide) -> bytes:
        began = time.process_time()
        found = mask(guide)
        timed.masks.append(time.process_time() - began)
        return found

    began = time.process_time()
    ask(engine, jobs[:1])  # compiles
    compiled = time.process_time() - began
    Guide.mask = measured  # type: ignore[method-assign]
    try:
        for at in range(0, len(jobs), batch):
            part = jobs[at : at + batch]
            before = engine.runner.forwards
            began = time.process_time()
            answers = ask(engine, part)
            timed.seconds += time.process_time() - began
            timed.steps += engine.runner.forwards - before
            for job, answer in zip(part, answers, strict=True):
                assert answer.text == job.text, (answer.text, job.text)
                timed.tokens += len(answer.ids)
                timed.forced += answer.forced
                timed.answers += 1
    finally:
        Guide.mask = mask  # type: ignore[method-assign]
    return timed, compiled


def ask(engine: Told, jobs: Sequence[Job]) -> list[Any]:
    engine.told = {at: engine.vocabulary.encode(job.text) for at, job in enumerate(jobs)}
    requests = [
        Request(({"role": "user", "content": job.instruction},), job.context, job.grammar) for job in jobs
    ]
    return [row[0] for row in engine.generate(requests, Sampling(max_tokens=2_000))]


Processors = Callable[[Sequence[Job]], list[Any]]


def time_transformers(student: Student, jobs: list[Job], batch: int, processors: Processors) -> Timed:
    """`generate` with an engine's processors, and the good texts' tokens chosen behind them."""
    from transformers import LogitsProcessor, LogitsProcessorList

    from idiolect.student.tokens import conversation_ids

    words, model = student.tokenizer, student.model

    class Tell(LogitsProcessor):
        """Choose the token of the good text."""

        def __init__(self, texts: list[list[int]], start: int) -> None:
            self.texts, self.start = texts, start

        def __call__(self, input_ids: Any, scores: Any) -> Any:
            at = input_ids.shape[1] - self.start
            for row, ids in enumerate(self.texts):
                token = ids[at] if at < len(ids) else words.eos_token_id
                scores[row, token] = 1e6
            return scores

    timed = Timed()
    for warm in (True, False):
        for at in range(0, batch if warm else len(jobs), batch):
            part = jobs[at : at + batch]
            prompts = [
                list(
                    conversation_ids(
                        [{"role": "user", "content": job.instruction}], words, student.form, job.context
                    )
                )
                for job in part
            ]
            width = max(map(len, prompts))
            ids = torch.full((len(part), width), words.pad_token_id)
            seen = torch.zeros((len(part), width), dtype=torch.long)
            for row, prompt in enumerate(prompts):
                ids[row, width - len(prompt) :] = torch.tensor(prompt)
                seen[row, width - len(prompt) :] = 1
            texts = [words(job.text, add_special_tokens=False)["input_ids"] for job in part]
            longest = max(map(len, texts))
            made = LogitsProcessorList([*processors(part), Tell(texts, width)])
            began = time.process_time()
            with torch.inference_mode():
                model.generate(
                    ids, attention_mask=seen, do_sample=False, max_new_tokens=longest + 1,
                    logits_processor=made, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
                )  # fmt: skip
            if warm:
                break
            timed.seconds += time.process_time() - began
            timed.steps += longest + 1
            timed.tokens += sum(map(len, texts))
            timed.answers += len(part)
    return timed


def xgrammar_processors(student: Student, jobs: list[Job]) -> tuple[Processors, float]:
    import xgrammar

    from idiolect.grammar.to_xgrammar import print_xgrammar

    about = xgrammar.TokenizerInfo.from_huggingface(
        student.tokenizer, vocab_size=student.model.config.vocab_size
    )
    began = time.process_time()
    compiled = xgrammar.GrammarCompiler(about, max_threads=1).compile_grammar(print_xgrammar(jobs[0].grammar))
    seconds = time.process_time() - began
    return lambda _: [xgrammar.contrib.hf.LogitsProcessor(compiled)], seconds


def outlines_processors(student: Student, jobs: list[Job]) -> tuple[Processors, float]:
    import json

    import outlines
    from outlines.backends import get_cfg_logits_processor, get_json_schema_logits_processor

    from idiolect.grammar.to_llguidance import print_llguidance

    model = outlines.from_transformers(student.model, student.tokenizer)
    began = time.process_time()
    if jobs[0].schema is not None:
        made = get_json_schema_logits_processor(None, model, json.dumps(jobs[0].schema), "")
    else:
        made = get_cfg_logits_processor("llguidance", model, print_llguidance(jobs[0].grammar))

    def processors(_: Sequence[Job]) -> list[Any]:
        made.reset()
        return [made]

    return processors, time.process_time() - began


def row_of(engine: str, timed: Timed, free: Timed | None, compiled: float) -> str:
    each = timed.seconds / timed.answers
    ratio = f"{free.seconds / free.answers / each:6.2f}x" if free else "      -"
    rest = ""
    if timed.masks:
        micro = np.array(timed.masks) * 1e6
        rest = (
            f"  forced {timed.forced / timed.tokens:.0%}, mask mean {micro.mean():.0f} p99 "
            f"{np.percentile(micro, 99):.0f} us"
        )
    speed = timed.tokens / timed.seconds
    return (
        f"  {engine:9} {speed:8.1f} tokens/s {each * 1e3:8.0f} ms an answer {ratio} free"
        f"  {timed.steps:5} steps  compile {compiled:.2f} s{rest}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name, given in (
        ("models", "tiny,270m"), ("vocabularies", "32k,262k"), ("batches", "1,8"), ("tasks", "json,tcl"),
        ("engines", "free,ours,xgrammar,outlines"),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", default=given, type=lambda word: word.split(","))
    parser.add_argument("--answers", default=8, type=int)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for vocabulary in given.vocabularies:
        for name in given.models:
            student = student_of(name, vocabulary, given.folder)
            count = sum(one.numel() for one in student.model.parameters())
            for task in given.tasks:
                jobs = jobs_of(task, given.answers)
                for batch in map(int, given.batches):
                    print(f"{name} ({count / 1e6:.0f}M), {vocabulary}, {task}, batch {batch}", flush=True)
                    measure(student, jobs, batch, given.engines)


def measure(student: Student, jobs: list[Job], batch: int, engines: list[str]) -> None:
    """One table."""
    free: Timed | None = None
    for engine in engines:
        try:
            if engine == "ours":
                timed, compiled = time_ours(student, jobs, batch)
            elif engine == "free":
                free = timed = time_transformers(student, jobs, batch, lambda _: [])
                compiled = 0.0
            else:
                make = {"xgrammar": xgrammar_processors, "outlines": outlines_processors}[engine]
                processors, compiled = make(student, jobs)
                timed = time_transformers(student, jobs, batch, processors)
        except ImportError as error:
            print(f"  {engine:9} not installed here: {error}", flush=True)
            continue
        except Exception as error:  # an engine of others that fails is a result too
            print(f"  {engine:9} failed: {type(error).__name__}: {str(error)[:200]}", flush=True)
            continue
        print(row_of(engine, timed, free, compiled), flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Answers from a GGUF file by llama.cpp, held to the same grammar printed as GBNF.

Prompts are the ids that the student's own tokenizer makes, so that nothing differs from training; the file
must come from that student (`idiolect export`). llama-cpp-python is loaded when an engine is made.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from idiolect.decode.records import Answer, Answers, OnPiece, Piece, Request, Requests, Sampling
from idiolect.decode.trouble import trouble
from idiolect.grammar.to_gbnf import print_gbnf
from idiolect.student.prompt import PromptForm
from idiolect.student.tokens import conversation_ids, stop_ids


class LlamaEngine:
    """A GGUF file, with the tokenizer and the prompt form of its student."""

    def __init__(self, path: Path, tokenizer: Any, form: PromptForm, *, context: int = 4096) -> None:
        try:
            import llama_cpp
        except ModuleNotFoundError as error:
            help = "pip install llama-cpp-python"
            raise trouble("L714", "llama.cpp is not installed for Python", help) from error
        self.library = llama_cpp
        self.tokenizer = tokenizer
        self.form = form
        self.stops = set(stop_ids(tokenizer, form))
        try:
            self.model = llama_cpp.Llama(str(path), n_ctx=context, logits_all=False, verbose=False)
        except (ValueError, OSError, RuntimeError) as error:
            raise trouble("L714", f"{path} can't be loaded by llama.cpp: {error}") from error
        self.context = context

    def generate(self, requests: Requests, sampling: Sampling, *, on_piece: OnPiece | None = None) -> Answers:
        """The candidates of every request, one after the other."""
        found: Answers = []
        for number, request in enumerate(requests):
            answers = []
            for at in range(request.candidates):
                answers.append(self._answer(request, sampling, at))
                if on_piece is not None:
                    on_piece(Piece(number, at, 0, answers[-1].text))
            found.append(answers)
        return found

    def _answer(self, request: Request, sampling: Sampling, candidate: int) -> Answer:
        turns = [dict(turn) for turn in request.messages]
        prompt = list(conversation_ids(turns, self.tokenizer, self.form, request.context))
        if len(prompt) + sampling.max_tokens > self.context:
            what = f"the prompt has {len(prompt)} tokens, which with the answer's is more than {self.context}"
            raise trouble("L712", what, "send less context along, or ask for fewer tokens")
        grammar = None
        if request.grammar is not None:
            grammar = self.library.LlamaGrammar.from_string(print_gbnf(request.grammar), verbose=False)
        seed = (sampling.seed * 1_000_003 + request.seed * 1_009 + candidate) % (1 << 31)
        self.model.set_seed(seed)
        done = self.model.create_completion(
            prompt,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature if sampling.random else 0.0,
            top_p=sampling.top_p,
            top_k=sampling.top_k or -1,
            min_p=0.0,
            repeat_penalty=sampling.repetition_penalty,
            stop=[*sampling.stop_sequences, self.form.stop],
            seed=seed,
            grammar=grammar,
        )
        choice, usage = done["choices"][0], done["usage"]
        logs = [one for one in (choice.get("logprobs") or {}).get("token_logprobs", ()) if one is not None]
        count = int(usage["completion_tokens"])
        return Answer(
            text=choice["text"],
            ended="length" if choice["finish_reason"] == "length" else "stop",
            ids=(-1,) * count,
            chosen=count,
            log_likelihood=sum(logs),
            confidence=sum(map(math.exp, logs)) / len(logs) if logs else 1.0,
            steps=count,
            prompt_tokens=len(prompt),
            details={"engine": "llama.cpp"},
        )

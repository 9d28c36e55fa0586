"""Answers from an OpenAI-compatible server: vLLM, SGLang, llama.cpp, Ollama, or another.

Each is sent the grammar in the way that it takes (`decode/export.py` has the forms). Ollama and unknown
servers take a JSON Schema at most; a language without one is then decoded freely. Whatever a server promises,
the pipeline verifies what comes back. Servers write an answer from its beginning: what a request says
was begun is written again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from idiolect.decode.export import lowered_schema
from idiolect.decode.records import Answer, Answers, Ended, OnPiece, Piece, Request, Requests, Sampling
from idiolect.decode.trouble import trouble
from idiolect.grammar.to_gbnf import print_gbnf
from idiolect.grammar.to_llguidance import print_llguidance
from idiolect.grammar.to_xgrammar import print_xgrammar
from idiolect.student.prompt import PromptForm, formed
from idiolect.teachers.problem import TeacherProblem
from idiolect.teachers.wire import CallFailed, Response, Wire, checked_url

Kind = Literal["vllm", "vllm-guidance", "sglang", "sglang-llguidance", "llama.cpp", "ollama", "openai"]
KINDS: tuple[Kind, ...] = (
    "vllm", "vllm-guidance", "sglang", "sglang-llguidance", "llama.cpp", "ollama", "openai",
)  # fmt: skip
_PLAIN = PromptForm("chat", "", "raw", "", "", "")
_QUICK_S = 10.0


class ServerEngine:
    """An engine behind HTTP. `form` gives the texts around questions; turns are the server's own."""

    constrains = True

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str | None = None,
        kind: Kind | None = None,
        form: PromptForm | None = None,
        timeout_s: float = 300.0,
    ) -> None:
        try:
            self.wire = Wire(checked_url(url), timeout_s, key)
        except TeacherProblem as error:
            raise trouble("L714", f'"{url}" is no address of a server', "http://localhost:8000/v1") from error
        self.model = model
        self.form = form or _PLAIN
        self.kind: Kind = kind or self._recognized()
        self.notes: dict[str, None] = {}  # what the server can't do, each once

    def generate(self, requests: Requests, sampling: Sampling, *, on_piece: OnPiece | None = None) -> Answers:
        """The candidates of every request, one call each."""
        found: Answers = []
        for number, request in enumerate(requests):
            answers = [self._asked(request, sampling, at) for at in range(request.candidates)]
            if on_piece is not None:
                for at, answer in enumerate(answers):
                    on_piece(Piece(number, at, 0, answer.text))
            found.append(answers)
        return found

    def _recognized(self) -> Kind:
        """Which server this is, by what it answers to."""
        root = self.wire.url.removesuffix("/v1")
        quick = replace(self.wire, timeout_s=min(self.wire.timeout_s, _QUICK_S))
        known: tuple[tuple[str, Kind], ...] = (
            ("/api/version", "ollama"),
            ("/props", "llama.cpp"),
            ("/get_server_info", "sglang"),
            ("/version", "vllm"),
        )
        try:
            for path, kind in known:
                if quick.get(root + path).status == 200:
                    return kind
        except CallFailed as error:
            help = "start the server, or mend --url"
            raise trouble("L714", f"the server can't be reached: {error.detail}", help) from error
        return "openai"

    def _asked(self, request: Request, sampling: Sampling, candidate: int) -> Answer:
        messages = formed([dict(turn) for turn in request.messages], self.form, request.context)
        content: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature if sampling.random else 0.0,
            "seed": (sampling.seed * 1_000_003 + request.seed * 1_009 + candidate) % (1 << 31),
            "stream": False,
            "logprobs": self.kind != "ollama",
        }
        if sampling.top_p < 1.0:
            content["top_p"] = sampling.top_p
        if sampling.stop_sequences:
            content["stop"] = list(sampling.stop_sequences)
        if self.kind != "openai":  # settings beside OpenAI's own
            content |= {"top_k": sampling.top_k} if sampling.top_k else {}
            penalty = "repeat_penalty" if self.kind in ("llama.cpp", "ollama") else "repetition_penalty"
            content |= {penalty: sampling.repetition_penalty} if sampling.repetition_penalty != 1.0 else {}
        if sampling.beams > 1:
            self.notes.setdefault("beams are not asked of servers: each candidate is drawn by itself")
        content |= self._constraint(request)
        return self._answer(self._posted(content), sampling)

    def _constraint(self, request: Request) -> Mapping[str, Any]:
        """The grammar as this server takes it."""
        if request.grammar is None:
            return {}
        match self.kind:
            case "vllm":
                return {"structured_outputs": {"grammar": print_xgrammar(request.grammar)}}
            case "vllm-guidance":
                return {"structured_outputs": {"grammar": print_llguidance(request.grammar)}}
            case "sglang":
                return {"ebnf": print_xgrammar(request.grammar)}
            case "sglang-llguidance":
                return {"ebnf": print_llguidance(request.grammar)}
            case "llama.cpp":
                return {"grammar": print_gbnf(request.grammar)}
            case "ollama" | "openai":
                if request.schema is None:
                    told = f"{self.kind} takes no grammar: answers are decoded freely, then verified"
                    self.notes.setdefault(told)
                    return {}
                schema = {"name": "answer", "schema": lowered_schema(request.schema), "strict": True}
                return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def _posted(self, content: Mapping[str, Any]) -> Response:
        try:
            response = self.wire.post(f"{self.wire.url}/chat/completions", content)
        except CallFailed as error:
            raise trouble("L714", f"the server did not answer: {self.wire.mask(error.detail)}") from error
        if response.status != 200:
            said = self.wire.mask(response.complaint())
            help = f"name the server's kind: {', '.join(KINDS)}" if response.status == 400 else None
            raise trouble("L714", f"the server refuses the request ({response.status}): {said}", help)
        return response

    def _answer(self, response: Response, sampling: Sampling) -> Answer:
        try:
            body = response.json()
            choice = body["choices"][0]
            text = choice["message"]["content"] or ""
        except (CallFailed, LookupError, TypeError) as error:
            raise trouble("L714", f"the server's reply has no answer: {response.shown()}") from error
        listed = (choice.get("logprobs") or {}).get("content") or []
        logs = [float(one["logprob"]) for one in listed if "logprob" in one]
        usage = body.get("usage") or {}
        count = int(usage.get("completion_tokens") or len(logs))
        cut = choice.get("finish_reason") == "length"
        ended: Ended = "length" if cut else "stop"
        return Answer(
            text=text,
            ended=ended,
            ids=(-1,) * count,  # the server's tokens are its own; only their number is known
            chosen=count,
            log_likelihood=sum(logs),
            least=math.exp(min(logs)) if logs else 1.0,
            confidence=sum(map(math.exp, logs)) / len(logs) if logs else 1.0,
            steps=count,
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            details={"engine": self.kind, "limit": sampling.max_tokens},
        )

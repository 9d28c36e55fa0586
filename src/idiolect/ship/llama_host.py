"""Scores token ids in llama.cpp, as a process of its own: a crash of native code is then a message.

Run as `python -m idiolect.ship.llama_host`. One JSON line in: {model, adapter, probes: [{ids, start}],
texts}. One line out: {runtime, tokens}, then the logits of all probes as float32 on standard output, or
{error}. With {model, prompts, stops, most} it answers {answers}, greedily.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np


def main() -> None:
    request = json.loads(sys.stdin.readline())
    try:
        told, logits = _answer(request)
    except Exception as error:  # whatever it is, the parent tells it
        told, logits = {"error": f"{type(error).__name__}: {error}"}, []
    out = sys.stdout.buffer
    out.write(json.dumps(told).encode() + b"\n")
    for part in logits:
        out.write(part.astype("<f4").tobytes())
    out.flush()


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    import llama_cpp

    _without_extra_buffers(llama_cpp)
    if "prompts" in request:
        return _answered(llama_cpp, request), []
    longest = max(len(probe["ids"]) for probe in request["probes"])
    # A cache of 32-bit floats: the usual one of 16 rounds more than a 16-bit file does.
    model = llama_cpp.Llama(
        request["model"], n_ctx=longest + 8, n_batch=longest + 8, n_ubatch=longest + 8, n_threads=1,
        lora_path=request.get("adapter"), logits_all=True, type_k=0, type_v=0, use_mmap=False, verbose=False,
    )  # fmt: skip
    logits = []
    for probe in request["probes"]:
        model.reset()
        model.eval(probe["ids"])
        logits.append(np.array(model.scores[probe["start"] : len(probe["ids"])]))
    tokens = [
        model.tokenize(text.encode(), add_bos=False, special=False) for text in request["texts"]
    ]  # fmt: skip
    told = {
        "runtime": f"llama.cpp (llama-cpp-python {llama_cpp.__version__})",
        "tokens": tokens,
        "width": int(logits[0].shape[1]),
    }
    return told, logits


def _answered(llama_cpp: Any, request: dict[str, Any]) -> dict[str, Any]:
    """The likeliest tokens behind each prompt, up to one that ends the answer."""
    size = max(map(len, request["prompts"])) + request["most"] + 8
    model = llama_cpp.Llama(
        request["model"],
        n_ctx=size,
        n_batch=size,
        n_threads=1,
        logits_all=True,
        use_mmap=False,
        verbose=False,
    )
    answers = []
    for prompt in request["prompts"]:
        model.reset()
        model.eval(prompt)
        answer: list[int] = []
        while len(answer) < request["most"]:
            answer.append(int(np.argmax(model.scores[model.n_tokens - 1])))
            if answer[-1] in request["stops"]:
                break
            model.eval(answer[-1:])
        answers.append(answer)
    return {"answers": answers}


def _without_extra_buffers(llama_cpp: Any) -> None:
    """Builds for CPUs with AMX crash on packed weights unless these are off, and the class has no switch."""
    plain = llama_cpp.llama_cpp.llama_model_default_params

    def without() -> Any:
        settings = plain()
        if hasattr(settings, "use_extra_bufts"):
            settings.use_extra_bufts = False
        return settings

    llama_cpp.llama_cpp.llama_model_default_params = without
    llama_cpp.llama_model_default_params = without


if __name__ == "__main__":
    main()

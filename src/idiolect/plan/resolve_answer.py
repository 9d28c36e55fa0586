"""How the model answers and leaves: decoding settings, endpoint and weight types."""

from __future__ import annotations

from typing import Any

from idiolect.okt.blocks.answer import Params
from idiolect.okt.fields import Block
from idiolect.okt.language import BLOCKS
from idiolect.okt.rules.answer import FLAT_SETTINGS
from idiolect.okt.rules.ship import split_endpoint
from idiolect.plan.plan import Origin, Project
from idiolect.plan.sections import section
from idiolect.plan.settle import Candidate, derived, proposed
from idiolect.plan.sources import PARAMS_ORDER, URL_ORDER, Sources

_SILENT = Candidate("", None, Origin(kind="file"))  # a source that says nothing


def inference(sources: Sources) -> Block:
    """Decoding settings in one place: `params`, with the older flat form folded in."""
    block = sources.reading.blocks["INFERENCE"]
    params = block.blocks.get("params")
    values: dict[str, Any] = {}
    for old, new in FLAT_SETTINGS.items():
        path = f"INFERENCE.params.{new}"
        inner = (
            sources.ledger.candidate(params, new)
            if params is not None
            else Candidate(path, None, Origin(kind="file"))
        )
        value = sources.settle(path, PARAMS_ORDER, inner, sources.of("INFERENCE", old))
        if value is not None:
            values[new] = value
    spec = BLOCKS["INFERENCE"]
    nested = section(Params, spec.nested(spec.by_name["params"]), params, sources.ledger, values)
    made = sources.section("INFERENCE", {"params": nested.model_dump(exclude_unset=True)})
    return made.model_copy(update=dict.fromkeys(FLAT_SETTINGS))


def deploy(sources: Sources, project: Project) -> Block:
    written = sources.of("DEPLOY", "endpoint")
    parts: dict[str, Any] = {}
    if written.value is not None and sources.reading.get("DEPLOY", "target") == "api":
        parts = split_endpoint(written.value) or {}
    settled = {}
    fallbacks = {"endpoint": f"/{project.name}", "host": "127.0.0.1", "port": 9000, "protocol": "http"}
    for name, fallback in fallbacks.items():
        own = (
            sources.of("DEPLOY", name)
            if name != "endpoint" or not parts
            else Candidate("", None, Origin(kind="file"))
        )
        of_url = Candidate("DEPLOY.endpoint", parts.get(name), written.origin)
        settled[name] = sources.settle(
            f"DEPLOY.{name}", URL_ORDER, own, of_url, proposed(f"DEPLOY.{name}", fallback)
        )
    return sources.section("DEPLOY", settled)


def export(sources: Sources) -> Block:
    formats = sources.reading.get("EXPORT", "format") or []
    fallback = derived("EXPORT.format", "fp16" if "gguf" in formats else None, "gguf wants a quantization")
    quantization = sources.settle("EXPORT.quantization", "", sources.of("EXPORT", "quantization"), fallback)
    kinds = {"int8": "q8_0", "int4": "q4_k_m", "fp16": "f16"}
    follows = derived("EXPORT.quantization", kinds.get(quantization) if "gguf" in formats else None)
    settled = {
        "quantization": quantization,
        "gguf_type": sources.settle("EXPORT.gguf_type", "", sources.of("EXPORT", "gguf_type"), follows),
    }
    return sources.section("EXPORT", {name: value for name, value in settled.items() if value is not None})

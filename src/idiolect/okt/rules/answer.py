"""Rules of INFERENCE, BEHAVIOR, GUARD and SECURITY."""

from __future__ import annotations

import re

from idiolect.okt.diagnostics import Reporter
from idiolect.okt.reading import BlockReading, Reading

# Flat decoding settings of older files, and where they belong now.
FLAT_SETTINGS = {
    "max_tokens": "max_length",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "repetition_penalty": "repetition_penalty",
}
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_KNOWN_PLACEHOLDERS = ("input", "context", "labels")


def inference(reading: Reading, reporter: Reporter) -> None:
    block = reading.blocks.get("INFERENCE")
    if block is None:
        return
    _flat_settings(block, reporter)
    template = block.fields.get("format")
    if template is not None:
        if "{input}" not in template.value:
            reporter.warning(
                "L314",
                template.span,
                "the template has no {input}; the question would not reach the model",
                "add {input}",
            )
        _placeholders(template.value, block, reporter, "format")
        if "{labels}" in template.value and not block.get("labels"):
            reporter.warning(
                "L315",
                template.span,
                "the template has {labels}, and no labels are given",
                "add labels: [...]",
            )
    style = reading.written("BEHAVIOR", "prompt_style")
    if template is not None and style is not None and template.value != style.value:
        reporter.info(
            "L320",
            style.span,
            "chat uses BEHAVIOR.prompt_style and infer uses INFERENCE.format; the two differ",
            related=((template.span, "INFERENCE.format is here"),),
        )
    behavior = reading.blocks.get("BEHAVIOR")
    if behavior is not None and style is not None:
        _placeholders(style.value, behavior, reporter, "prompt_style")


def _flat_settings(block: BlockReading, reporter: Reporter) -> None:
    params = block.blocks.get("params")
    for old, new in FLAT_SETTINGS.items():
        if not block.has(old):
            continue
        if params is not None and params.has(new) and params.get(new) != block.get(old):
            reporter.warning(
                "L317",
                block.fields[old].name_span,
                f"params.{new} wins over {old}",
                f"remove {old}",
                related=((params.place(new), f"params.{new} is here"),),
            )
        else:
            reporter.info(
                "L316",
                block.fields[old].name_span,
                f"{old} is the older form of params.{new}",
                f"write params {{ {new}: ... }}",
            )


def _placeholders(template: str, block: BlockReading, reporter: Reporter, name: str) -> None:
    odd = [found for found in _PLACEHOLDER.findall(template) if found not in _KNOWN_PLACEHOLDERS]
    if odd:
        reporter.warning(
            "L315",
            block.place(name),
            f"unknown placeholder {{{odd[0]}}} is left as it is",
            "placeholders: {input}, {context}, {labels}",
        )


def guard(reading: Reading, reporter: Reporter) -> None:
    block = reading.blocks.get("GUARD")
    if block is None:
        return
    reaction = block.blocks.get("on_violation")
    if reaction is not None:
        action = reaction.get("action")
        if not reaction.has("action"):
            if not any(item.code == "V021" for item in reporter.found):
                reporter.error(
                    "L106",
                    reaction.keyword_span,
                    "on_violation names no reaction",
                    "write STOP, ALERT, REPLACE or LOG",
                )
        elif action == "REPLACE" and not reaction.has("with_message"):
            reporter.error(
                "L106", reaction.place("action"), "REPLACE wants a message", 'add with_message: "..."'
            )
    detectors = block.fields.get("detect_using")
    for index, name in enumerate(detectors.value if detectors else []):
        if name in ("classifier", "embedding", "ml_model"):
            assert detectors is not None
            reporter.warning(
                "L326",
                detectors.span_of(index),
                f"detector {name} needs a local model; without one, what only it finds is not covered",
            )


def security(reading: Reading, reporter: Reporter) -> None:
    block = reading.blocks.get("SECURITY")
    if block is None:
        return
    algorithm = reading.written("SECURITY.encryption", "algorithm")
    if algorithm is not None and algorithm.value == "SHA-256":
        reporter.warning(
            "L327",
            algorithm.span,
            "SHA-256 is a digest and encrypts nothing; a checksum is written",
            'write algorithm: "AES-256" to encrypt',
        )
    token = block.fields.get("access_token")
    if token is not None:
        reporter.warning(
            "L328",
            token.span,
            "a token in the script is there for everyone to read",
            "keep it in the environment",
        )

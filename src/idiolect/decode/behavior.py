"""BEHAVIOR as words of the prompt: tone, length, language and what to stay away from, in one system text."""

from __future__ import annotations

import re

from idiolect.okt.blocks.answer import Behavior

_TONES = {
    "professional": "Answer in a professional tone.",
    "friendly": "Answer in a friendly tone.",
    "assistant": "Answer as a helpful assistant.",
    "casual": "Answer casually.",
    "formal": "Answer formally.",
    "creative": "Answer creatively.",
}
_LENGTHS = {
    "low": "Keep answers short.",
    "medium": "Answer at medium length.",
    "high": "Answer in detail.",
}
_LANGUAGES = {
    "en": "English", "pt-BR": "Brazilian Portuguese", "es": "Spanish", "fr": "French", "de": "German",
    "it": "Italian", "ja": "Japanese", "zh": "Chinese",
}  # fmt: skip


def system_line(block: Behavior | None) -> str:
    """What a script's BEHAVIOR tells the model; empty where it says nothing that a prompt can carry."""
    if block is None:
        return ""
    parts = []
    if block.personality:
        parts.append(_TONES[block.personality])
    if block.verbosity:
        parts.append(_LENGTHS[block.verbosity])
    if block.language == "multilingual":
        parts.append("Answer in the language of the question.")
    elif block.language:
        parts.append(f"Answer in {_LANGUAGES.get(block.language, block.language)}.")
    if block.avoid:
        parts.append(f"Do not speak of {', '.join(block.avoid)}.")
    return " ".join(parts)


def avoided(text: str, block: Behavior | None) -> str | None:
    """The subject to stay away from that a text names, if any."""
    for subject in (block.avoid if block else None) or ():
        if re.search(rf"(?<!\w){re.escape(subject)}(?!\w)", text, re.IGNORECASE):
            return subject
    return None

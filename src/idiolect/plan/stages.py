"""Which stages a run of a script has, and why each runs or does not."""

from __future__ import annotations

from idiolect.okt.reading import Reading
from idiolect.plan.plan import Stage

# In the order of a run. Data goes one way.
STAGES = (
    "environment",
    "corpus",
    "synth",
    "split",
    "explore",
    "train",
    "eval",
    "align",
    "eval_aligned",
    "merge",
    "export",
    "package",
    "serve",
)


def stages_of(reading: Reading) -> tuple[Stage, ...]:
    """Every stage, told whether it runs."""
    data = any(reading.has(name) for name in ("DATASET", "CORPUS", "SYNTHESIZE"))
    reasons: dict[str, tuple[bool, str]] = {
        "environment": (True, "always"),
        "corpus": _by_block(reading, "CORPUS"),
        "synth": _by_block(reading, "SYNTHESIZE"),
        "split": (
            data,
            "examples are mixed, split and checked" if data else "no DATASET, CORPUS or SYNTHESIZE",
        ),
        "explore": _by_block(reading, "EXPLORER"),
        "train": _train(reading),
        "eval": _eval(reading),
        "align": _by_block(reading, "ALIGN"),
        "eval_aligned": _eval_aligned(reading),
        "merge": _by_block(reading, "MERGE"),
        "export": _by_block(reading, "EXPORT"),
        "package": _by_block(reading, "PACKAGE"),
        "serve": (
            False,
            "DEPLOY is acted on by serve, not by run" if reading.has("DEPLOY") else "no DEPLOY block",
        ),
    }
    return tuple(Stage(name=name, runs=reasons[name][0], why=reasons[name][1]) for name in STAGES)


def _by_block(reading: Reading, keyword: str) -> tuple[bool, str]:
    return (True, f"{keyword} asks for it") if reading.has(keyword) else (False, f"no {keyword} block")


def _train(reading: Reading) -> tuple[bool, str]:
    if reading.has("FT_LORA"):
        return True, "FT_LORA trains an adapter"
    return (
        (True, "TRAIN trains all weights") if reading.has("TRAIN") else (False, "neither TRAIN nor FT_LORA")
    )


def _eval_aligned(reading: Reading) -> tuple[bool, str]:
    if not reading.has("ALIGN"):
        return False, "no ALIGN block"
    if not _eval(reading)[0]:
        return False, "nothing is evaluated"
    return True, "the aligned student is held against the one before"


def _eval(reading: Reading) -> tuple[bool, str]:
    if reading.has("EVALUATE"):
        return True, "EVALUATE asks for it"
    if reading.get("DATASET", "test") is not None:
        return True, "DATASET.test is scored"
    return False, "neither EVALUATE nor DATASET.test"

"""Which of several processes this is, by what a launcher wrote into the environment. Loads nothing."""

from __future__ import annotations

import os


def rank_here() -> int:
    """The number of this process; 0 where nothing was launched."""
    return _number("RANK", 0)


def processes_here() -> int:
    """How many processes were launched; 1 where nothing was."""
    return max(1, _number("WORLD_SIZE", 1))


def local_rank() -> int:
    """The number of this process on its machine."""
    return _number("LOCAL_RANK", 0)


def is_sharded() -> bool:
    """Whether accelerate's launcher asks for FSDP."""
    return os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true")


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else default

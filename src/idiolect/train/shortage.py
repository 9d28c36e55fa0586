"""Memory and disks that have run short: told from other errors, and said with a cure."""

from __future__ import annotations

import torch

from idiolect.problem import Problem, problem


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a GPU or in main memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error)
    return "not enough memory" in said or "can't allocate memory" in said


def out_of_memory(budget: int, *, at_limit: bool = False) -> Problem:
    """The problem of a training that does not fit."""
    if at_limit:
        help = (
            'write gradient_checkpointing: true, a smaller max_seq_length, or FT_LORA { quantization: "nf4" }'
        )
        return problem(
            "L651", "memory ran out with the smallest batch that the longest row fits into", help=help
        )
    help = f"write tokens_per_batch: {budget // 2}; a step still sees as many rows"
    return problem("L651", f"memory ran out with {budget:,} tokens a batch and process", help=help)


def disk_trouble(error: BaseException) -> str | None:
    """Why a file could not be written, if that is what an error says."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    said = str(error)
    if type(error).__name__ == "SafetensorError" and ("os error" in said or "I/O" in said or "Io" in said):
        return said
    return None

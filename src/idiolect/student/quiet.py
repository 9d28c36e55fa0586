"""Holds back what libraries print while a student is loaded: what matters is said by us, with a code."""

from __future__ import annotations

import logging as python_logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and reports of transformers, and no word about calls between it and PEFT.

    bitsandbytes, which PEFT imports where it is installed, regrets kernels that a hub would have.
    """
    from transformers.utils import logging

    packing = python_logging.getLogger("bitsandbytes")
    shown, level, packing_level = logging.is_progress_bar_enabled(), logging.get_verbosity(), packing.level
    packing.setLevel(python_logging.ERROR)
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            # PEFT 0.21 asks a model of transformers 5.24 by an older name
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            yield
    finally:
        logging.set_verbosity(level)
        packing.setLevel(packing_level)
        if shown:
            logging.enable_progress_bar()

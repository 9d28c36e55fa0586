"""Judges documents over Ray Data, on this machine or on a cluster, with the same outcome in the same order.

A cluster's nodes need the same files and the same installation. Where Ray fails, or a text kills its process
there, what is left is judged by processes here, which find that text and name it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from idiolect.data.document import Document
from idiolect.data.judging import Asked, Judged, Loader, judge, judge_all

ASK = "IDIOLECT_RAY"  # in the environment: "1" judges over Ray wherever a corpus is built
_BATCH = 32  # documents
_LOG = logging.getLogger(__name__)


class NoRay(Exception):
    """Ray is asked for and not installed."""

    def __init__(self) -> None:
        super().__init__('Ray is not installed: pip install "idiolect[ray]"')


def ray_is_asked() -> bool:
    """Whether the environment asks for Ray."""
    return os.environ.get(ASK, "").casefold() in ("1", "true", "yes")


def judge_over_ray(
    load: Loader, documents: Sequence[Document], asked: Asked, workers: int = 1
) -> Iterator[Judged]:
    """All documents judged, in their order; NoRay where it is not installed."""
    ray = _started(workers)
    done = 0
    try:
        for judged in _rows(ray, load, documents, asked, workers):
            yield judged
            done += 1
    except ray.exceptions.RayError as error:
        _LOG.warning("Ray stopped after %d of %d documents: %s", done, len(documents), error)
    if done < len(documents):
        yield from judge_all(load, documents[done:], asked, workers)


def _started(workers: int) -> Any:
    """Ray, connected to the cluster that RAY_ADDRESS names, else started here."""
    try:
        ray = import_module("ray")
        import_module("ray.data")
    except ImportError as error:
        raise NoRay from error
    if not ray.is_initialized():
        here = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(logging_level=logging.ERROR, log_to_driver=False, configure_logging=False, **here)
    return ray


def _rows(
    ray: Any, load: Loader, documents: Sequence[Document], asked: Asked, workers: int
) -> Iterator[Judged]:
    if not documents:
        return
    for name in ("ray", "ray.data"):  # they report on every dataset otherwise
        logging.getLogger(name).setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    context.execution_options.verbose_progress = False
    rows = ray.data.from_items([{"document": document} for document in documents])
    judged = rows.map_batches(
        _Judge,
        fn_constructor_args=(load, asked),
        compute=ray.data.ActorPoolStrategy(size=workers),
        batch_size=_BATCH,
        batch_format="numpy",
    )
    for row in judged.iter_rows():
        yield row["judged"]


class _Judge:
    """A dialect, loaded once in each of Ray's processes."""

    def __init__(self, load: Loader, asked: Asked) -> None:
        self.dialect, self.context = load()
        self.asked = asked

    def __call__(self, batch: Any) -> Any:
        import numpy as np

        made = np.empty(len(batch["document"]), dtype=object)
        for at, document in enumerate(batch["document"]):
            made[at] = judge(self.dialect, self.context, document, self.asked)
        return {"judged": made}

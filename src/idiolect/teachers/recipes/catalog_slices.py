"""The slices of catalogs that tasks are drawn from: shown in a context pack, with something to choose from.

Where the project names a catalog, slices are parts of it; else each is a part of an invented catalog. All
tasks of a slice have one pack, so that their prompts share a prefix. It does **not** draw tasks.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from idiolect.dialects.catalog import Catalog
from idiolect.dialects.catalog_json import dump_catalog
from idiolect.dialects.context_pack import ContextPack, make_pack, names_in
from idiolect.dialects.contract import Context
from idiolect.dialects.tcl.dialect import Tcl
from idiolect.dialects.tcl.loops import NAMES
from idiolect.dialects.tcl.pick import POOLS, NoValue
from idiolect.dialects.tcl.sample import NoSample, draw
from idiolect.teachers.recipes.catalogs import Invented, invented_names, random_catalog
from idiolect.teachers.recipes.job import RecipeJob

TASKS = 18  # a slice: enough to share the prompt's computation, few enough to see many slices
_WHOLE = 10  # names; a catalog with no more is often shown whole
_FEWEST, _MOST = 3, 12  # names of a part
_SHOW_EXAMPLES = 0.4  # of slices
_TRIES = 30


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a catalog, and what tasks over it need."""

    name: str
    pack: ContextPack
    invented: Invented | None  # None: the project's own catalog
    language: str  # of the requests
    noted: bool  # whether notes are in that language
    other_words: Mapping[str, tuple[str, ...]]
    pools: Mapping[str, tuple[str, ...]]
    written: Mapping[str, Any]  # the catalog as JSON, one object for all its examples
    whole: Catalog  # what the slice was taken from

    @property
    def catalog(self) -> Catalog:
        return self.pack.catalog

    def context(self, project: Context) -> Context:
        """What scripts over the slice are judged against."""
        return replace(project, catalog=self.catalog)


def slices_of(job: RecipeJob, dialect: Tcl) -> Iterator[Slice]:
    """Slices without end, each with a language of the script in turn."""
    number = 0
    while True:
        rng = job.rng("slice", number)
        language = job.settings.languages[number % len(job.settings.languages)]
        made = _own(job, dialect, number, language, rng)
        number += 1
        if made is not None:
            yield made


def _own(job: RecipeJob, dialect: Tcl, number: int, language: str, rng: random.Random) -> Slice | None:
    """One slice; None where nothing could be written with the names drawn."""
    whole = job.project.catalog or dialect.catalog
    invented = None
    if whole is None:
        invented = random_catalog(rng, f"c{number:05d}", language)
        whole = invented.catalog
    for _ in range(_TRIES):
        chosen = _chosen(whole, rng, always_whole=invented is not None)
        pack = make_pack(whole, chosen)
        pools = dict(invented.pools) if invented else _own_pools(pack.catalog, rng)
        try:
            examples = _examples(dialect, replace(job.project, catalog=pack.catalog), pools, rng)
        except (NoSample, NoValue):
            continue
        pack = make_pack(whole, chosen, examples=examples)
        return Slice(
            name=whole.name if invented else f"p{number:05d}",
            pack=pack,
            invented=invented,
            language=language,
            noted=language == (invented.language if invented else "en"),
            other_words=invented.other_words if invented else {},
            pools=pools,
            written=json.loads(dump_catalog(pack.catalog)),
            whole=whole,
        )
    return None


def _chosen(whole: Catalog, rng: random.Random, *, always_whole: bool) -> tuple[str, ...]:
    """The names of a slice, in the catalog's order, so that equal slices are shown alike."""
    names = names_in(whole)
    if always_whole or (len(names) <= _WHOLE and rng.random() < 0.5):
        return names
    kept = set(rng.sample(range(len(names)), rng.randint(min(_FEWEST, len(names)), min(_MOST, len(names)))))
    return tuple(name for at, name in enumerate(names) if at in kept)


def _examples(
    dialect: Tcl, context: Context, pools: Mapping[str, tuple[str, ...]], rng: random.Random
) -> list[str]:
    """A tiny script or two over the slice; NoSample where none can be made, asked or not."""
    level = rng.choice(("micro", "micro", "multi"))
    made = [draw(dialect, rng, replace(context, level=level), plain=True, pools=pools).found.text]
    if rng.random() >= _SHOW_EXAMPLES:
        return []
    if rng.random() < 0.5:
        micro = replace(context, level="micro")
        made.append(draw(dialect, rng, micro, plain=True, pools=pools).found.text)
    return list(dict.fromkeys(made))


def _own_pools(catalog: Catalog, rng: random.Random) -> dict[str, tuple[str, ...]]:
    """Names for the values of a real catalog: the usual ones, and as many that are in no one's memory."""
    pools = {
        key: (*names, *invented_names(rng, 6)) for key, names in POOLS.items() if key not in ("file", "text")
    }
    args = [arg for proc in catalog.procs for arg in proc.args]
    args += [slot for dsl in catalog.dsl for form in dsl.statements for slot in form.slots]
    for arg in args:
        if catalog.resolve(arg).type in NAMES:
            for name in (arg.name, arg.type):
                if name not in NAMES and name not in pools:
                    pools[name] = invented_names(rng, 10)
    return {**POOLS, **pools}

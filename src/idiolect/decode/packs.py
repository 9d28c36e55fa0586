"""From a request to the context pack that it needs: what an index finds, shown as in training.

retriever = PackRetriever(index, catalog, budget=1200, count=tokens_of)
pack = retriever.pack("route CLK on M3")     # its text goes into the prompt, its catalog holds the answer
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from idiolect.data.contexts import context_of
from idiolect.data.example import Example
from idiolect.decode.documents import Kind, named
from idiolect.decode.retrieval import DEFAULT_MOST, Index, Recall, measure_recall
from idiolect.dialects.catalog import Catalog
from idiolect.dialects.context_pack import ContextPack, Count, make_pack, names_in, rough_tokens

BUDGET = 1_500  # tokens of a pack


@dataclass(frozen=True, slots=True)
class PackRetriever:
    """Makes the context pack of a request."""

    index: Index
    catalog: Catalog
    budget: int = BUDGET
    count: Count = rough_tokens
    most: Mapping[Kind, int] = field(default_factory=lambda: DEFAULT_MOST)

    def pack(self, instruction: str) -> ContextPack:
        """The pack: the symbols that fit best first, so that a small budget loses the others."""
        found = [one.entry for one in self.index.find(instruction, self.most)]
        names = [*named(found, "proc"), *named(found, "statement"), *named(found, "variable")]
        examples = [entry.shown for entry in found if entry.kind == "example"]
        return make_pack(self.catalog, names, examples=examples, budget=self.budget, count=self.count)

    def __call__(self, instruction: str) -> str:
        """The pack's text."""
        return self.pack(instruction).text


def names_used(text: str, catalog: Catalog) -> tuple[str, ...]:
    """The catalog's names that a text writes as words of their own, in the catalog's order."""
    used = []
    for name in names_in(catalog):
        pattern = rf"(?<![\w:]){re.escape(name.removeprefix('::'))}(?![\w:])"
        if re.search(pattern, text.replace("::" + name.removeprefix("::"), name.removeprefix("::"))):
            used.append(name)
    return tuple(used)


def recall_of(
    index: Index, catalog: Catalog, examples: Iterable[Example], most: Mapping[Kind, int] = DEFAULT_MOST
) -> Recall:
    """How many of the names that references use an index finds for their requests.

    Examples with a catalog of their own are left out: their context is given, not found.
    """
    asked: list[tuple[str, Sequence[str]]] = []
    for example in examples:
        if example.valid and context_of(example).catalog is None:
            names = names_used(example.target, catalog)
            if names:
                asked.append((example.instruction, names))
    return measure_recall(index, asked, most)

"""Which documents may not straddle a split: near repeats, equal structures, parts of one source, one group.

It does **not** deal the groups to splits; see `splitting.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from idiolect.data.cleaning import content_hash
from idiolect.data.document import Document
from idiolect.data.near import Groups, join_alike, signatures
from idiolect.data.structure import structures
from idiolect.okt.blocks.extension import Corpus

ALIKE = 0.6  # texts this much alike share most of their shingles: one would give the other away in a test


def group_names(documents: Sequence[Document], settings: Corpus, texts: Iterable[str]) -> list[str]:
    """The name of each document's group: the place of its first member. `texts` are the documents' own."""
    groups = Groups(len(documents))
    groups.join_equal(_whole(document) if document.part else None for document in documents)
    told = [_told_group(document) for document in documents]
    if settings.split_by == "group":
        groups.join_equal(
            group or document.told.category or None for group, document in zip(told, documents, strict=True)
        )
    elif settings.split_by == "cluster":
        groups.join_equal(group or None for group in told)
        groups.join_equal(content_hash(document.text) for document in documents)
        groups.join_equal(structures([document.text for document in documents]))
        join_alike(groups, signatures(texts), min(ALIKE, settings.near_dedup or ALIKE))
    return [documents[groups.of(at)].place for at in range(len(documents))]


def _whole(document: Document) -> str:
    """What a part was cut from."""
    return document.place if document.row else document.source


def _told_group(document: Document) -> str | None:
    return document.told.group or (document.example.group if document.example else None)

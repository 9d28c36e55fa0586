"""A syntax tree to a reading: each block by its definition, each field by its kind.

Faults that one block shows by itself are told here; rules across blocks are in `rules/`.
"""

from __future__ import annotations

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.language import BLOCK_ALIASES, BLOCKS, BlockSpec, block_named
from idiolect.okt.read_block import BlockReader
from idiolect.okt.reading import BlockReading, Reading
from idiolect.okt.syntax import (
    BlockNode,
    Item,
    Scalar,
    Script,
    Unread,
)
from idiolect.source import Span
from idiolect.text_hints import nearest

_HEAD = BlockSpec("", BLOCKS["PROJECT"].model)
_FORBIDDEN_IN_PROJECT = '{}[]:"'


def read(script: Script, reporter: Reporter) -> Reading:
    """What a script says."""
    return _ScriptReader(script, reporter).reading()


class _ScriptReader:
    def __init__(self, script: Script, reporter: Reporter) -> None:
        self.script = script
        self.reporter = reporter
        start = Span(0, 0)
        self.found = Reading(BlockReading(_HEAD, start, start), pragma=script.pragma)

    def reading(self) -> Reading:
        for item in self.script.items:
            self._item(item)
        return self.found

    def _item(self, item: Item) -> None:
        if isinstance(item, Unread):
            return
        spec = block_named(item.keyword)
        if spec is None:
            self._unknown_block(item)
            return
        if item.keyword in BLOCK_ALIASES:
            self.reporter.warning(
                "L316",
                item.keyword_span,
                f"{item.keyword} is read as {spec.keyword}",
                f"write {spec.keyword}",
                edits=(Edit(f"Write {spec.keyword}", item.keyword_span, spec.keyword),),
            )
        if spec.form == "scalar":
            self._scalar(spec, item)
        elif isinstance(item, Scalar):
            self.reporter.error(
                "L107",
                item.span,
                f"{item.keyword} is a block, not a single value",
                f"write {item.keyword} {{ ... }}",
            )
        else:
            self._block(spec, item)

    def _unknown_block(self, item: Scalar | BlockNode) -> None:
        near = nearest(item.keyword, BLOCKS)
        self.reporter.warning(
            "L101",
            item.keyword_span,
            f'unknown block "{item.keyword}" is skipped',
            f'did you mean "{near}"?' if near else f"blocks: {', '.join(BLOCKS)}",
            edits=(Edit(f"Write {near}", item.keyword_span, near),) if near else (),
        )

    def _scalar(self, spec: BlockSpec, item: Scalar | BlockNode) -> None:
        field = spec.fields[0]
        if isinstance(item, BlockNode):
            self.reporter.error(
                "L107",
                item.keyword_span,
                f"{item.keyword} is a single value, not a block",
                f"write {field.form}",
            )
            return
        reader = BlockReader(self.script, self.reporter, self.found.head)
        before = len(self.reporter.found)
        reader.field(field, item.keyword, item.keyword_span, item.value)
        value = self.found.head.get(field.name)
        if field.name == "PROJECT" and isinstance(value, str) and len(self.reporter.found) == before:
            odd = next((character for character in value if character in _FORBIDDEN_IN_PROJECT), None)
            if odd is not None or value in (".", "..") or "/" in value or "\\" in value:
                self.reporter.error(
                    "L204",
                    item.value.span,
                    f'the project name "{value}" can\'t name a run folder',
                    'it must not hold { } [ ] : " / or \\',
                )

    def _block(self, spec: BlockSpec, node: BlockNode) -> None:
        block = BlockReading(spec, node.span, node.keyword_span)
        if node.label is not None:
            block.label, block.label_span = node.label.text, node.label.span
            if not spec.repeatable:
                self.reporter.warning(
                    "L107", node.label.span, f"{spec.keyword} takes no label; it is ignored"
                )
                block.label = None
        repeated = self._earlier(spec, block)
        if repeated is not None:
            block.fields, block.blocks = dict(repeated.fields), dict(repeated.blocks)
        reader = BlockReader(self.script, self.reporter, block)
        reader.entries(node.body)

    def _earlier(self, spec: BlockSpec, block: BlockReading) -> BlockReading | None:
        """A block of the same name that this one repeats; it is stored in its stead, later fields winning."""
        if block.label is not None:
            earlier = self.found.parents.get(block.label)
            self.found.parents[block.label] = block
            name = f'MODEL "{block.label}"'
        else:
            earlier = self.found.blocks.get(spec.keyword)
            self.found.blocks[spec.keyword] = block
            name = spec.keyword
        if earlier is not None:
            self.reporter.warning(
                "L103",
                block.keyword_span,
                f"{name} stands twice; fields of the later one win",
                "keep one",
                related=((earlier.keyword_span, "the first one is here"),),
            )
        return earlier

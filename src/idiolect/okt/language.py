"""All blocks of the language, by keyword: the one list that every reader of the definitions starts from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from inspect import cleandoc
from typing import Literal

from idiolect.okt.blocks import answer, data, extension, hardware, model, project, ship, train, watch
from idiolect.okt.fields import Block, FieldSpec, Status, specs

Form = Literal["scalar", "block", "words", "statements"]


@dataclass(frozen=True)
class BlockSpec:
    """One block, top-level or nested."""

    keyword: str
    model: type[Block]
    form: Form = "block"
    since: str = "1.0"
    status: Status = Status.STABLE
    required: bool = False
    repeatable: bool = False  # also means that a label may follow the keyword
    tolerated: tuple[str, ...] = ()
    parent: str = ""  # the path of the enclosing block

    @property
    def path(self) -> str:
        return f"{self.parent}.{self.keyword}" if self.parent else self.keyword

    @cached_property
    def help(self) -> str:
        if self.form == "scalar":
            return self.fields[0].help
        return " ".join(cleandoc(self.model.__doc__ or "").split())

    @cached_property
    def fields(self) -> tuple[FieldSpec, ...]:
        found = specs(self.model)
        return tuple(spec for spec in found if spec.name == self.keyword) if self.form == "scalar" else found

    @cached_property
    def by_name(self) -> dict[str, FieldSpec]:
        return {name: spec for spec in self.fields for name in spec.all_names}

    def nested(self, spec: FieldSpec) -> BlockSpec:
        """The definition of a nested block, or of the objects of a list."""
        assert spec.block is not None
        return BlockSpec(spec.name, spec.block, since=spec.since, status=spec.status, parent=self.path)


_EXT, _PROPOSED, _PLANNED, _UNDOCUMENTED = (
    Status.EXTENSION,
    Status.PROPOSED,
    Status.PLANNED,
    Status.UNDOCUMENTED,
)

# In the order that the formatter's docs and the completion list them: from what to where.
BLOCKS: dict[str, BlockSpec] = {
    spec.keyword: spec
    for spec in (
        BlockSpec("PROJECT", project.Head, "scalar", required=True),
        BlockSpec("DESCRIPTION", project.Head, "scalar"),
        BlockSpec("VERSION", project.Head, "scalar"),
        BlockSpec("TAGS", project.Head, "scalar"),
        BlockSpec("AUTHOR", project.Head, "scalar"),
        BlockSpec("ENV", project.Env),
        BlockSpec("DIALECT", extension.DialectBlock, status=_EXT),
        BlockSpec("CORPUS", extension.Corpus, status=_EXT),
        BlockSpec("TEACHER", extension.Teacher, status=_EXT),
        BlockSpec("SYNTHESIZE", extension.Synthesize, status=_EXT),
        BlockSpec("DATASET", data.Dataset, required=True),
        BlockSpec("MODEL", model.Model, required=True, repeatable=True),
        BlockSpec("TRAIN", train.Train, required=True),
        BlockSpec("FT_LORA", model.FtLora, since="1.1"),
        BlockSpec("METRICS", train.Metrics, "words"),
        BlockSpec("VALIDATE", train.Validate, tolerated=("VALIDATION",)),
        BlockSpec("CONTROL", answer.Control, "statements", since="1.1"),
        BlockSpec("STABILITY", watch.Stability, since="1.1"),
        BlockSpec("MONITOR", watch.Monitor, since="1.1"),
        BlockSpec("EXPLORER", watch.Explorer, since="1.1"),
        BlockSpec("HOOKS", watch.Hooks),
        BlockSpec("LOGGING", watch.Logging),
        BlockSpec("EVALUATE", extension.Evaluate, status=_EXT),
        BlockSpec("ALIGN", extension.Align, status=_EXT),
        BlockSpec("MERGE", ship.Merge, since="2.0", status=_PLANNED),
        BlockSpec("INFERENCE", answer.Inference),
        BlockSpec("BEHAVIOR", answer.Behavior, since="1.1"),
        BlockSpec("GUARD", answer.Guard, since="1.1"),
        BlockSpec("INFER", answer.Infer, status=_UNDOCUMENTED),
        BlockSpec("EXPORT", ship.Export),
        BlockSpec("DEPLOY", ship.Deploy),
        BlockSpec("SECURITY", ship.Security),
        BlockSpec("PACKAGE", ship.Package, status=_EXT),
        BlockSpec("BLAS", hardware.Blas, since="1.3", status=_PROPOSED),
        BlockSpec("ACCELERATE", hardware.Accelerate, since="1.3", status=_PROPOSED),
        BlockSpec("TENSOR_CORES", hardware.TensorCores, since="1.3", status=_PROPOSED),
        BlockSpec("BENCHMARK", hardware.Benchmark, since="1.3", status=_PROPOSED),
    )
}
BLOCK_ALIASES = {alias: spec.keyword for spec in BLOCKS.values() for alias in spec.tolerated}


def block_named(keyword: str) -> BlockSpec | None:
    """The block of a keyword or of a tolerated spelling of it."""
    return BLOCKS.get(BLOCK_ALIASES.get(keyword, keyword))


def walk_blocks() -> Iterator[BlockSpec]:
    """Every block, each followed by the blocks nested in it."""
    for spec in BLOCKS.values():
        yield from _with_nested(spec)


def _with_nested(spec: BlockSpec) -> Iterator[BlockSpec]:
    yield spec
    for field in spec.fields:
        if field.block is not None:
            yield from _with_nested(spec.nested(field))

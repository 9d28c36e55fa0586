"""Which blocks and fields must be there, and which are not the plain language."""

from __future__ import annotations

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.fields import Status
from idiolect.okt.inherit import Inherited, check_inheritance
from idiolect.okt.language import BLOCKS
from idiolect.okt.reading import BlockReading, Reading
from idiolect.okt.vocab import KNOWN_VERSIONS
from idiolect.source import Span

# Required fields whose absence has a rule of its own, with a softer answer.
_SETTLED_ELSEWHERE = {
    "MODEL.base",
    "FT_LORA.base_model",
    "FT_LORA.lora_alpha",
    "TRAIN.epochs",
    "TRAIN.batch_size",
    "GUARD.on_violation.action",
    "EXPLORER.try",
}


def required_blocks(reading: Reading, reporter: Reporter) -> None:
    """PROJECT, DATASET, MODEL and TRAIN: an error where the script trains, else a warning."""
    if not reading.blocks and not reading.head.fields and not reading.parents:
        reporter.error("L112", Span(0, 0), "the script holds no block", 'begin with PROJECT "name"')
        return
    report = reporter.error if reading.trains else reporter.warning
    missing = [name for name in ("PROJECT", "DATASET", "MODEL") if not _present(reading, name)]
    makes_data = reading.has("CORPUS") or reading.has("SYNTHESIZE")
    for name in missing:
        if name == "DATASET" and makes_data:
            continue  # the examples come from CORPUS or SYNTHESIZE
        if name == "MODEL" and (reading.has("INFERENCE") or (makes_data and not reading.trains)):
            continue  # V019 says it; a script that only makes data needs no model
        block = BLOCKS[name]
        form = block.fields[0].form if block.form == "scalar" else f"{name} {{ ... }}"
        report("L105", Span(0, 0), f"required block {name} is missing", f"add {form}")
    if not reading.trains and not makes_data and not reading.has("MERGE"):
        reporter.warning(
            "L105",
            Span(0, 0),
            "neither TRAIN nor FT_LORA: nothing can be trained with this script",
            "add TRAIN { ... }, or use the script for inference only",
        )
    if reading.has("INFERENCE") and not _present(reading, "MODEL"):
        place = reading.blocks["INFERENCE"].keyword_span
        reporter.error("V019", place, "INFERENCE without a MODEL", 'add MODEL { base: "..." }')


def _present(reading: Reading, name: str) -> bool:
    return reading.head.wrote(name) or name in reading.blocks


def required_fields(reading: Reading, reporter: Reporter) -> None:
    """Every field that a block can't do without."""
    for block in [*reading.all_blocks(), *_mix_sources(reading)]:
        for spec in block.spec.fields:
            path = f"{block.path}.{spec.name}"
            if not spec.required or block.wrote(spec.name) or path in _SETTLED_ELSEWHERE:
                continue
            form = spec.example or spec.form or f"{spec.name}: ..."
            reporter.error("L106", block.keyword_span, f"{path} is missing", f"add {form}")


def _mix_sources(reading: Reading) -> list[BlockReading]:
    mixes = [reading.get(block, "mix_datasets") or [] for block in ("DATASET", "FT_LORA")]
    return [source for mix in mixes for source in mix]


def model_base(reading: Reading, reporter: Reporter) -> Inherited:
    """MODEL.base is required after inheritance."""
    model = check_inheritance(reading, reporter)
    if model.chain and model.written("base") is None and not any("base" in b.broken for b in model.chain):
        reporter.error(
            "L106",
            model.chain[0].keyword_span,
            "MODEL.base is missing, here and in its parents"
            if len(model.chain) > 1
            else "MODEL.base is missing",
            'add base: "google/gemma-3-270m-it", a local folder, or "nano"',
        )
    for block in [*model.chain[:1], *reading.parents.values()]:
        if block.has("dtype"):
            reporter.info("L316", block.place("dtype"), "dtype is read as precision")
    return model


def dialect_needed(reading: Reading, reporter: Reporter) -> None:
    if reading.has("SYNTHESIZE") and not reading.has("DIALECT"):
        place = reading.blocks["SYNTHESIZE"].keyword_span
        reporter.error(
            "L337",
            place,
            "SYNTHESIZE needs a DIALECT to verify what it makes",
            'add DIALECT { name: "json_ast" }',
        )


def hardware_hints(reading: Reading, reporter: Reporter) -> None:
    """1.3 hardware hints are answered once, at the first of them."""
    spans = [block.keyword_span for block in reading.all_blocks() if block.spec.status is Status.PROPOSED]
    for block in reading.all_blocks():
        if block.spec.status is not Status.PROPOSED:
            proposed = [spec.name for spec in block.spec.fields if spec.status is Status.PROPOSED]
            spans += [block.fields[name].name_span for name in proposed if name in block.fields]
    if spans:
        reporter.warning(
            "L318", min(spans), "1.3 hardware hints are not used by this engine", "they may stay"
        )


def ahead_of_language(reading: Reading, reporter: Reporter) -> None:
    """Blocks that the language has not defined yet, or no longer explains."""
    if reading.has("MERGE"):
        reporter.warning(
            "L332",
            reading.blocks["MERGE"].keyword_span,
            "MERGE is announced for language version 2.0; it is carried out here as okto_merge would",
        )
    if reading.has("INFER"):
        reporter.warning(
            "L332",
            reading.blocks["INFER"].keyword_span,
            "INFER is in no grammar; its question is asked after training",
        )


def newer_than_declared(reading: Reading, reporter: Reporter) -> None:
    """A note where a block is newer than the pragma says; nothing is switched off."""
    if reading.pragma is None or reading.pragma.version not in KNOWN_VERSIONS:
        return
    declared = reading.pragma.version
    for block in reading.blocks.values():
        if block.spec.since in KNOWN_VERSIONS and block.spec.since > declared:
            since = block.spec.since
            span = reading.pragma.span
            reporter.info(
                "L319",
                block.keyword_span,
                f"{block.spec.keyword} came with language version {since}; this file declares {declared}",
                edits=(Edit(f"Declare {since}", span, since),),
            )


def pedantic(reading: Reading, reporter: Reporter) -> None:
    """Blocks and fields that are not OktoScript's own."""
    extension = (Status.EXTENSION, Status.PLANNED)
    for block in reading.all_blocks():
        if block.spec.status in extension:
            reporter.error(
                "L601",
                block.keyword_span,
                f"block {block.path} is an extension of this engine, not OktoScript",
            )
            continue
        for spec in block.spec.fields:
            written = block.fields.get(spec.name)
            nested = block.blocks.get(spec.name)
            if spec.status in extension and (written or nested):
                place = (
                    written.name_span if written else nested.keyword_span if nested else block.keyword_span
                )
                reporter.error(
                    "L602",
                    place,
                    f"field {block.path}.{spec.name} is an extension of this engine, not OktoScript",
                )

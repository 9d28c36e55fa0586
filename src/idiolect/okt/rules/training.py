"""Rules across DATASET, MODEL, TRAIN, FT_LORA and what surrounds the loop."""

from __future__ import annotations

from idiolect.okt.diagnostics import Edit, Reporter
from idiolect.okt.inherit import Inherited
from idiolect.okt.reading import BlockReading, Reading
from idiolect.source import Span

OVERRIDABLE = ("epochs", "batch_size", "learning_rate", "device")
_USUAL_WINDOWS = (128, 256, 512, 1024, 2048, 4096, 8192)
_VISION = ("vision-transformer", "cnn", "diffusion")


def loop_settings(reading: Reading, reporter: Reporter) -> None:
    """epochs and batch_size may come from TRAIN, FT_LORA or EXPLORER; alone none of them is required."""
    if not reading.trains:
        return
    block = reading.blocks.get("TRAIN") or reading.blocks["FT_LORA"]
    for name in ("epochs", "batch_size"):
        places = [reading.find(path) for path in ("TRAIN", "FT_LORA", "EXPLORER.try")]
        given = any(
            place is not None and (place.wrote(name) or name in place.unknown) for place in places
        ) or (name == "epochs" and reading.get("TRAIN", "max_steps") is not None)
        if not given:
            reporter.error(
                "L106",
                block.keyword_span,
                f"{name} is given by neither TRAIN nor FT_LORA nor EXPLORER",
                f"add {name}: {3 if name == 'epochs' else 8} to TRAIN",
            )


def lora(reading: Reading, model: Inherited, reporter: Reporter) -> None:
    """FT_LORA beside TRAIN and MODEL."""
    block = reading.blocks.get("FT_LORA")
    if block is None:
        return
    if not reading.has("TRAIN"):
        reporter.warning(
            "L301",
            block.keyword_span,
            "FT_LORA without TRAIN; TRAIN says how the loop runs and is mandatory",
            "add TRAIN { ... }; until then FT_LORA's values and TRAIN's defaults are used",
        )
    _lora_base(block, model, reporter)
    if not block.wrote("lora_alpha") and block.has("lora_rank"):
        alpha = 2 * block.get("lora_rank")
        reporter.warning(
            "L307",
            block.place("lora_rank"),
            f"lora_alpha is missing; twice the rank is used: {alpha}",
            f"add lora_alpha: {alpha}",
        )
    _overrides(reading, block, reporter)


def _lora_base(block: BlockReading, model: Inherited, reporter: Reporter) -> None:
    base = model.written("base")
    own = block.fields.get("base_model")
    if own is None:
        if "base_model" in block.broken:
            return
        used = f'; MODEL.base is used: "{base[0].value}"' if base else ", and so is MODEL.base"
        example = base[0].value if base else "nano"
        reporter.warning(
            "L302",
            block.keyword_span,
            f"FT_LORA.base_model is missing{used}",
            f'write it out: base_model: "{example}"',
            edits=_insert_field(block, f'base_model: "{example}"') if base else (),
        )
    elif base is not None and own.value != base[0].value:
        reporter.warning(
            "L303",
            own.span,
            f'FT_LORA.base_model "{own.value}" differs from MODEL.base "{base[0].value}"',
            "the former is loaded; make both the same",
            related=((base[0].span, "MODEL.base is here"),),
        )


def _insert_field(block: BlockReading, text: str) -> tuple[Edit, ...]:
    first = min((written.name_span.start for written in block.fields.values()), default=None)
    if first is None:
        return ()
    return (Edit(f"Add {text}", Span(first, first), f"{text}\n    "),)


def _overrides(reading: Reading, block: BlockReading, reporter: Reporter) -> None:
    """V012 is only a note: the pair is normal, and FT_LORA wins field by field."""
    train = reading.blocks.get("TRAIN")
    if train is None:
        return
    both = [
        name
        for name in OVERRIDABLE
        if block.has(name) and train.has(name) and block.get(name) != train.get(name)
    ]
    for name in both:
        if block.get(name) == train.get(name):
            continue
        reporter.info(
            "V012",
            block.place(name),
            f"FT_LORA.{name} wins over TRAIN.{name}",
            related=((train.place(name), f"TRAIN.{name} is here"),),
        )


def architectures(reading: Reading, model: Inherited, reporter: Reporter) -> None:
    """Window sizes, and families that this engine does not train."""
    architecture = model.written("architecture")
    vision = architecture is not None and architecture[0].value in _VISION
    window = model.written("context_window")
    if window is not None and window[0].value not in _USUAL_WINDOWS:
        written = window[0]
        if vision:
            reporter.info("V010", written.span, f"context_window {written.value} is taken for an image size")
        else:
            usual = ", ".join(map(str, _USUAL_WINDOWS))
            reporter.warning(
                "V010",
                written.span,
                f"context_window {written.value} is unusual; it is used as written",
                f"usual: {usual}",
            )
    if architecture is not None and (vision or architecture[0].value == "rnn"):
        reporter.warning(
            "L341",
            architecture[0].span,
            f'architecture "{architecture[0].value}" can\'t be trained by this engine',
            "it trains language models: transformer, gpt, bert and t5",
        )
    kind = reading.written("DATASET", "type")
    if kind is not None and architecture is not None and (kind.value == "vision") != vision:
        reporter.warning(
            "L340",
            kind.span,
            f'DATASET.type "{kind.value}" does not fit architecture "{architecture[0].value}"',
            "vision models want image data, language models want text",
            related=((architecture[0].span, "the architecture is here"),),
        )


def checkpoints(reading: Reading, reporter: Reporter) -> None:
    train = reading.blocks.get("TRAIN")
    if train is None:
        return
    steps = next((name for name in ("checkpoint_steps", "save_steps") if train.has(name)), None)
    if train.get("save_strategy") == "no" and steps is not None:
        reporter.warning(
            "L321",
            train.place("save_strategy"),
            f'save_strategy "no" contradicts {steps}; checkpoints are written',
            "remove one of the two",
            related=((train.place(steps), f"{steps} is here"),),
        )
    if train.has("checkpoint_steps") and train.has("save_steps"):
        reporter.info("L317", train.place("save_steps"), "checkpoint_steps wins over save_steps")


def older_forms(reading: Reading, reporter: Reporter) -> None:
    """Forms that files use and no current grammar has."""
    train = reading.blocks.get("TRAIN")
    if train is not None and train.has("gpu"):
        device = train.get("device")
        wanted = "cuda" if train.get("gpu") else "cpu"
        if (
            device is not None
            and device not in (wanted, "auto")
            and not (device == "mps" and wanted == "cuda")
        ):
            reporter.warning(
                "L331",
                train.place("gpu"),
                f'gpu asks for "{wanted}" and device for "{device}"; device wins',
            )
        else:
            reporter.info("L316", train.place("gpu"), f'gpu is the older form of device: "{wanted}"')
    monitor = reading.blocks.get("MONITOR")
    metrics = monitor.fields.get("metrics") if monitor is not None else None
    if metrics is not None and metrics.name == "log_metrics":
        reporter.info("L316", metrics.name_span, "log_metrics is the older form of metrics")
    validate = reading.blocks.get("VALIDATE")
    if validate is not None and validate.has("frequency"):
        reporter.info(
            "L322",
            validate.place("frequency"),
            "frequency counts epochs here; CONTROL.validate_every counts steps",
        )


def environment(reading: Reading, reporter: Reporter) -> None:
    """Accelerators with little memory, and what offline forbids."""
    accelerator = reading.get("ENV", "accelerator")
    memory = reading.written("ENV", "min_memory")
    for kind, floor in (("gpu", 8), ("tpu", 16)):
        if accelerator == kind and memory is not None and memory.value < floor * 1024**3:
            reporter.warning(
                "L330",
                memory.span,
                f"accelerator {kind} with less than {floor}GB of memory",
                f'write min_memory: "{floor}GB"',
                edits=(Edit(f'Write "{floor}GB"', memory.span, f'"{floor}GB"'),),
            )
    hooks = reading.blocks.get("HOOKS")
    if hooks is not None and reading.get("ENV", "network") == "offline":
        for name, written in hooks.fields.items():
            if str(written.value).startswith("api:"):
                reporter.warning("L329", written.span, f"hook {name} calls a URL, and ENV.network is offline")


def adapter_with_training(reading: Reading, model: Inherited, reporter: Reporter) -> None:
    adapter = model.nested("ADAPTER")
    if adapter is not None and reading.has("TRAIN"):
        how = (
            "stays frozen beside the new one"
            if reading.has("FT_LORA")
            else "is merged into the base before training"
        )
        reporter.warning("L323", adapter.keyword_span, f"the loaded ADAPTER {how}")


def project_paths(reading: Reading, reporter: Reporter) -> None:
    """Log files outside the run folder are honoured, and noted."""
    project = reading.head.get("PROJECT")
    if not project:
        return
    own = f"runs/{project}/"
    for block, name in (
        ("LOGGING", "metrics_file"),
        ("LOGGING", "training_file"),
        ("MONITOR", "export_to"),
        ("MONITOR", "log_to"),
    ):
        written = reading.written(block, name)
        if written is not None and not written.value.removeprefix("./").startswith(own):
            reporter.info("L334", written.span, f"{block}.{name} lies outside the run folder {own}")

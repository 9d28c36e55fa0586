"""Rules of DATASET, its mixes, CORPUS, SYNTHESIZE and TEACHER."""

from __future__ import annotations

from idiolect.okt.diagnostics import Reporter
from idiolect.okt.reading import Reading
from idiolect.source import Span


def dataset_source(reading: Reading, reporter: Reporter) -> None:
    """One source of training data wins, by the FAQ's order; every loser is named."""
    sources = dataset_sources(reading)
    if not sources:
        if (
            reading.trains
            and reading.has("DATASET")
            and not (reading.has("CORPUS") or reading.has("SYNTHESIZE"))
        ):
            reporter.error(
                "L106",
                reading.blocks["DATASET"].keyword_span,
                "DATASET names no training data: train and mix_datasets are missing",
                'add train: "dataset/train.jsonl"',
            )
        return
    (winner, _), *losers = sources
    for name, span in losers:
        reporter.info("L304", span, f"{name} is not used: {winner} ranks above it")


def dataset_sources(reading: Reading) -> list[tuple[str, Span]]:
    """The sources of training data that are written, the winning one first."""
    ranked = (
        ("FT_LORA", "mix_datasets"),
        ("DATASET", "mix_datasets"),
        ("FT_LORA", "train_dataset"),
        ("DATASET", "train"),
    )
    found = [(f"{block}.{name}", reading.written(block, name)) for block, name in ranked]
    return [(name, written.name_span) for name, written in found if written is not None]


def mixes(reading: Reading, reporter: Reporter) -> None:
    """The weights of one mix add up to exactly 100, also when sampling is random."""
    for block in ("FT_LORA", "DATASET"):
        written = reading.written(block, "mix_datasets")
        if written is None:
            continue
        weights = [source.get("weight") for source in written.value]
        if not weights:
            reporter.error("V011", written.span, f"{block}.mix_datasets is empty", "name at least one source")
        elif None not in weights and sum(weights) != 100:
            reporter.error(
                "V011",
                written.span,
                f"the weights of {block}.mix_datasets add up to {sum(weights)}, not 100",
                _weights_hint(weights),
            )
        paths = [source.get("path") for source in written.value]
        for index, path in enumerate(paths):
            if path is not None and path in paths[:index]:
                place = written.value[index].place("path")
                reporter.warning(
                    "L324", place, f'"{path}" stands twice in one mix', "add the weights up in one entry"
                )


def _weights_hint(weights: list[int]) -> str:
    total = sum(weights)
    if total <= 0:
        return f"for example {', '.join(str(100 // len(weights)) for _ in weights)}"
    scaled = [round(100 * weight / total) for weight in weights]
    scaled[-1] += 100 - sum(scaled)
    return f"in the same proportion: {', '.join(map(str, scaled))}"


def same_data(reading: Reading, reporter: Reporter) -> None:
    """Scores taken on training data look too good."""
    train, validation = reading.written("DATASET", "train"), reading.written("DATASET", "validation")
    test = reading.written("DATASET", "test")
    for name, other in (("validation", validation), ("test", test)):
        if train is not None and other is not None and train.value == other.value:
            reporter.warning(
                "L324",
                other.span,
                f"DATASET.{name} is the training file; its scores will look too good",
                "hold some rows back in a file of their own",
            )


def synthesis(reading: Reading, reporter: Reporter) -> None:
    """Numbers of SYNTHESIZE, CORPUS and TEACHER that must fit each other."""
    block = reading.blocks.get("SYNTHESIZE")
    if block is not None:
        low = block.get("min_operators") if block.has("min_operators") else 4
        high = block.get("max_operators") if block.has("max_operators") else 7
        if low > high:
            place = block.place("min_operators" if block.has("min_operators") else "max_operators")
            reporter.error("L340", place, f"min_operators {low} is above max_operators {high}")
        needs = {"schema_ast": ("domains", "template", "operators")}.get(block.get("recipe"), ())
        absent = [name for name in needs if not block.has(name)]
        if absent:
            reporter.info(
                "L340",
                block.place("recipe"),
                f"recipe schema_ast without {', '.join(absent)}: built-in ones are used",
            )
    split = reading.written("CORPUS", "split")
    if split is not None and abs(sum(split.value) - 100) > 1e-9:
        reporter.error("L340", split.span, f"the shares of split add up to {sum(split.value):g}, not 100")
    key = reading.written("TEACHER", "api_key_env")
    if key is not None and not key.value.isidentifier():
        reporter.error(
            "L328",
            key.span,
            "api_key_env is the name of an environment variable; a key must not stand in the file",
            'write api_key_env: "OPENAI_API_KEY"',
        )

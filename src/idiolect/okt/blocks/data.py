"""DATASET: the project's data, and how a row becomes a prompt and an answer."""

from __future__ import annotations

from typing import Literal

from idiolect.okt.fields import Block, PathText, Status, field
from idiolect.okt.vocab import Augmentation, DatasetFormat, DatasetType


class MixSource(Block):
    """One weighted source of a mix."""

    path: PathText | None = field("Data file of this source.", required=True, code="V001")
    weight: int | None = field("Share of this source in percent.", required=True, at_least=0, at_most=100)


class Dataset(Block):
    """The project's default data; it stays mandatory next to FT_LORA."""

    train: PathText | None = field(
        "Training data: a file, or a folder for image+caption. Not needed when a mix is given.",
        code="V001",
        example='train: "dataset/train.jsonl"',
    )
    validation: PathText | None = field("Data used to score during training.", code="V001")
    test: PathText | None = field("Data held back for evaluation.", code="V001")
    format: DatasetFormat | None = field(
        "How records are stored; qa and instruction describe what a record holds and come in JSONL files.",
        default_text="guessed from the file suffix",
    )
    type: DatasetType | None = field("Task that the data teaches; decides which metrics fit.")
    language: str | None = field(
        "Language of the text.",
        open_values=("en", "pt", "es", "fr", "multilingual"),
        example='language: "en"',
    )
    augmentation: list[Augmentation] | None = field("Image changes applied at random while training.")
    dataset_percent: int = field(
        "Share of the (mixed) data to use.", suggested=100, at_least=1, at_most=100, since="1.1"
    )
    mix_datasets: list[MixSource] | None = field(
        "Several weighted sources; switches train off. The weights add up to exactly 100.",
        since="1.1",
        code="V011",
        example='mix_datasets: [{ path: "a.jsonl", weight: 70 }, { path: "b.jsonl", weight: 30 }]',
    )
    sampling: Literal["weighted", "random"] = field(
        "weighted draws by weight; random ignores the weights and draws uniformly.",
        suggested="weighted",
        since="1.1",
    )
    shuffle: bool = field("Shuffle each source before mixing.", suggested=True, since="1.1")
    input_field: str | None = field(
        "Column that holds the prompt.",
        default_text="input, then text, then the first text column",
        since="1.2",
    )
    output_field: str | None = field(
        "Column that holds the expected answer.",
        default_text="output, then target, then text",
        aliases=("target_field",),
        since="1.2",
    )
    context_fields: list[str] | None = field(
        "Extra columns put in front of the prompt, in this order. More than 5 or 6 use up the token budget.",
        since="1.2",
    )
    system: str | None = field("System message put before every prompt.", status=Status.EXTENSION)
    chat_template: str | None = field(
        "Name or path of a chat template.", default_text="the base model's own", status=Status.EXTENSION
    )

"""MODEL and FT_LORA: what is trained."""

from __future__ import annotations

from typing import Literal

from idiolect.okt.blocks.data import MixSource
from idiolect.okt.fields import Block, Count, ModelRef, PathText, Status, field
from idiolect.okt.vocab import Architecture, Device


class Adapter(Block):
    """An existing adapter to load on top of the base model."""

    type: Literal["lora", "qlora", "adapter", "peft"] | None = field(
        "Kind of adapter.", required=True, since="1.1", code="V020"
    )
    path: PathText | None = field("Folder or file of the adapter; must exist.", required=True, since="1.1")
    rank: int | None = field("LoRA rank.", above=0, since="1.1")
    alpha: int | None = field("LoRA scaling numerator.", above=0, since="1.1")


class Model(Block):
    """The project's base model. MODEL "label" { ... } is a parent that others inherit from."""

    name: str | None = field("Name of the resulting model.", since="1.2", default_text="PROJECT")
    base: ModelRef | None = field(
        "Model to start from: a hub id, a local folder, or the built-in nano. A parent may leave it out.",
        required=True,
        code="V004",
        example='base: "google/gemma-3-270m-it"',
    )
    architecture: Architecture | None = field("Family of network.", default_text="read from the base model")
    parameters: Count | None = field("Rough size.", above=0, example="parameters: 120M")
    context_window: int | None = field(
        "Longest input in tokens; a power of two from 128 to 8192 is asked for.",
        above=0,
        default_text="read from the base model",
    )
    precision: Literal["fp32", "fp16", "int8", "int4"] | None = field(
        "Numeric type of the weights; must suit the device.", default_text="ENV.precision"
    )
    inherit: str | None = field("Label of the parent MODEL.", code="V009")
    device: Device | None = field("Where the model is placed.", since="1.2", default_text="ENV.accelerator")
    adapter: Adapter | None = field(
        "An existing adapter to load on top of the base model.", name="ADAPTER", since="1.1"
    )
    dtype: str | None = field(
        "Framework type name such as float16; read as precision.", since="1.3", status=Status.UNDOCUMENTED
    )


class FtLora(Block):
    """Says what is trained (low-rank adapters); TRAIN still says how the loop runs."""

    base_model: ModelRef | None = field(
        "Base model, written out again on purpose so that nothing is inferred in silence.",
        required=True,
        default_text="MODEL.base, with a warning",
        since="1.1",
        code="V004",
    )
    train_dataset: PathText | None = field("Training data of the adapter.", since="1.1", code="V001")
    lora_rank: int | None = field(
        "Inner dimension of the adapter matrices.",
        required=True,
        at_least=1,
        at_most=256,
        since="1.1",
        example="lora_rank: 16",
    )
    lora_alpha: int | None = field(
        "Scaling numerator; the effective scale is alpha divided by rank.",
        required=True,
        above=0,
        since="1.1",
        default_text="twice lora_rank, with a warning",
        example="lora_alpha: 32",
    )
    dataset_percent: int | None = field(
        "Share of the data to use.",
        at_least=1,
        at_most=100,
        since="1.1",
        default_text="DATASET.dataset_percent",
    )
    mix_datasets: list[MixSource] | None = field(
        "Weighted sources; ranks above every other dataset setting.", since="1.1", code="V011"
    )
    epochs: int | None = field(
        "Overrides TRAIN.epochs.", at_least=1, at_most=1000, since="1.1", default_text="TRAIN.epochs"
    )
    batch_size: int | None = field(
        "Overrides TRAIN.batch_size.", at_least=1, at_most=1024, since="1.1", default_text="TRAIN.batch_size"
    )
    learning_rate: float | None = field(
        "Overrides TRAIN.learning_rate.",
        above=0,
        at_most=1.0,
        since="1.1",
        default_text="TRAIN.learning_rate",
    )
    device: Device | None = field("Overrides TRAIN.device.", since="1.1", default_text="TRAIN.device")
    target_modules: list[str] | None = field(
        "Layer names that receive adapters, such as q_proj and v_proj.",
        since="1.1",
        default_text="every linear layer but the output head",
    )
    lora_dropout: float = field(
        "Dropout on the adapter's input.", suggested=0.0, at_least=0, at_most=1, status=Status.EXTENSION
    )
    dora: bool = field("Weight-decomposed adapters (DoRA).", suggested=False, status=Status.EXTENSION)
    quantization: Literal["none", "nf4"] = field(
        "nf4 keeps the frozen base in 4 bits (QLoRA).", suggested="none", status=Status.EXTENSION
    )

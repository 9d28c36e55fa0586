"""INFERENCE, CONTROL, GUARD and BEHAVIOR: how the trained model answers."""

from __future__ import annotations

from typing import Any, Literal

from idiolect.okt.control import Statements
from idiolect.okt.fields import Block, Kind, Status, Template, field


class Params(Block):
    """Decoding settings."""

    max_length: int | None = field(
        "Cap on the answer in tokens.", at_least=1, at_most=8192, since="1.1", tolerated=("max_tokens",)
    )
    temperature: float | None = field(
        "Sampling temperature; 0 always takes the likeliest token.", at_least=0, at_most=2, since="1.1"
    )
    top_p: float | None = field("Nucleus sampling mass.", above=0, at_most=1, since="1.1")
    beams: int | None = field("Beam search width.", at_least=1, since="1.1")
    do_sample: bool | None = field("Draw tokens at random instead of taking the best.", since="1.1")
    top_k: int | None = field("Candidates kept a token; 0 switches it off.", at_least=0, since="1.1")
    repetition_penalty: float | None = field(
        "Factor that discourages repeats.", above=0, at_most=2, since="1.1"
    )


def _legacy(help: str, **bounds: float) -> Any:
    return field(f"Same as params.{help}.", status=Status.LEGACY, **bounds)  # type: ignore[arg-type]


class Inference(Block):
    """How the trained model answers."""

    mode: Literal["chat", "intent", "translate", "classify", "custom"] = field(
        "Kind of interaction.", suggested="chat", since="1.1"
    )
    format: Template = field(
        "Prompt template with {input}, {context} and {labels}; most modes need {input}.",
        suggested="{input}",
        since="1.1",
        example='format: "User: {input}\\nAssistant:"',
    )
    exit_command: str = field("Word that ends a chat.", suggested="/exit", since="1.1")
    params: Params | None = field("Decoding settings.", since="1.1")
    control: Statements | None = field("Rules applied to each answer.", name="CONTROL", since="1.1")
    labels: list[str] | None = field(
        "Class names for the intent and classify modes; they fill {labels}.",
        since="1.2",
        status=Status.UNDOCUMENTED,
    )
    max_tokens: int | None = _legacy("max_length", at_least=1, at_most=8192)
    temperature: float | None = _legacy("temperature", at_least=0, at_most=2)
    top_p: float | None = _legacy("top_p", above=0, at_most=1)
    top_k: int | None = _legacy("top_k", at_least=0)
    repetition_penalty: float | None = _legacy("repetition_penalty", above=0, at_most=2)
    stop_sequences: list[str] | None = field(
        "Texts that end an answer; the answer is cut at the first of them.", status=Status.LEGACY
    )


class Control(Block):
    """Rules fired by events and conditions, acting on training or on inference."""

    validate_every: int | None = field("Validation interval in steps.", above=0, since="1.1")
    rules: Statements = field(
        "Statements at the top of the block: IF, WHEN, EVERY and directives.",
        suggested=(),
        since="1.1",
        implicit=True,
        form='IF loss > 2.0 { LOG "high loss" }',
    )
    on_step_end: Statements | None = field("After each training step.", since="1.1")
    on_epoch_end: Statements | None = field("After each epoch.", since="1.1")
    on_memory_low: Statements | None = field(
        "When GPU or main memory runs short (below 10 percent free).", since="1.1"
    )
    on_nan: Statements | None = field("When a NaN shows up.", since="1.1")
    on_plateau: Statements | None = field("When the loss stalls.", since="1.1")


class OnViolation(Block):
    """Reaction to a hit."""

    action: Literal["STOP", "ALERT", "REPLACE", "LOG"] | None = field(
        "Bare word that names the reaction.",
        required=True,
        since="1.1",
        code="V021",
        implicit=True,
        form="REPLACE",
    )
    with_message: str | None = field(
        "Text shown instead or alongside; REPLACE needs it.",
        since="1.1",
        example='with_message: "I can\'t say that."',
    )


class Guard(Block):
    """What answers must not contain, how to find it, and what to do then."""

    prevent: (
        list[
            Literal[
                "hallucination",
                "toxicity",
                "bias",
                "data_leak",
                "unsafe_code",
                "personal_data",
                "illegal_content",
            ]
        ]
        | None
    ) = field("Kinds of content to keep out.", kind=Kind.FLAGS, since="1.1", form="prevent { toxicity bias }")
    detect_using: list[Literal["classifier", "embedding", "regex", "rule_engine", "ml_model"]] = field(
        "Detectors to run; classifier, embedding and ml_model need a local model.",
        suggested=["regex", "rule_engine"],
        since="1.2",
    )
    on_violation: OnViolation | None = field("Reaction to a hit.", since="1.1", default_text="ALERT")


class Behavior(Block):
    """Personality of the model while it answers."""

    mode: Literal["chat", "completion", "instruction", "classifier"] | None = field(
        "Style of interaction.", since="1.2"
    )
    personality: Literal["professional", "friendly", "assistant", "casual", "formal", "creative"] | None = (
        field("Tone.", since="1.1")
    )
    verbosity: Literal["low", "medium", "high"] | None = field("Length of answers.", since="1.1")
    language: str | None = field(
        "Answer language.",
        open_values=("en", "pt-BR", "es", "fr", "de", "it", "ja", "zh", "multilingual"),
        since="1.1",
    )
    avoid: list[str] | None = field("Subjects to stay away from.", since="1.1")
    fallback: str | None = field("Answer when nothing better is available.", length=(1, None), since="1.1")
    prompt_style: Template | None = field("Prompt template used by chat.", since="1.2")


class Infer(Block):
    """A one-off question asked after training, as a smoke test."""

    input: str | None = field("Text to answer.", required=True, status=Status.UNDOCUMENTED)
    max_tokens: int | None = field("Length cap.", at_least=1, at_most=8192, status=Status.UNDOCUMENTED)

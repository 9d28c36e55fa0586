"""What requests hold: strict models, in which nothing is passed over unseen.

Fields of OpenAI's interface that ask for what this server does not do are taken at the values that ask for
nothing, and are refused at all others, with the field's name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_TOKENS = 32_768
_Text = Annotated[str, Field(max_length=4_000_000)]
_Name = Annotated[str, Field(max_length=200)]
_Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
_Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=1, le=MOST_TOKENS)]
_Seed = Annotated[int, Field(ge=0, lt=1 << 63)]
_Candidates = Annotated[int, Field(ge=1, le=64)]
_Nothing = Annotated[float, Field(ge=0, le=0)]
_Stops = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=8)]
_Stop = Annotated[str, Field(min_length=1, max_length=200)] | _Stops
_Schema = Annotated[dict[str, Any], Field(description="A JSON Schema.")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class TextPart(Body):
    type: Literal["text"]
    text: _Text


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant"]
    content: _Text | Annotated[list[TextPart], Field(max_length=100)]
    name: _Name | None = None

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class PlainFormat(Body):
    type: Literal["text"]


class ObjectFormat(Body):
    type: Literal["json_object"]


class NamedSchema(Body):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    schema_: Annotated[_Schema, Field(alias="schema")]
    description: _Text | None = None
    strict: bool | None = None  # the answer is held to the schema either way


class SchemaFormat(Body):
    type: Literal["json_schema"]
    json_schema: NamedSchema


_Format = Annotated[PlainFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]


class StreamOptions(Body):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class OpenAiBody(Body):
    """What chats and completions share."""

    model: _Name
    max_tokens: _Count | None = None
    temperature: _Temperature | None = None
    top_p: _Share | None = None
    stop: _Stop | None = None
    seed: _Seed | None = None
    n: Annotated[int, Field(ge=1, le=16)] = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: _Name | None = None  # taken, and used for nothing
    frequency_penalty: _Nothing | None = None
    presence_penalty: _Nothing | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    # beside OpenAI's own
    context: _Text | None = Field(
        None, description="What the request is about; default: what retrieval finds."
    )
    candidates: _Candidates = Field(1, description="Answers to choose the best of, by verdict.")

    @property
    def stops(self) -> tuple[str, ...] | None:
        if self.stop is None:
            return None
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)


class ChatBody(OpenAiBody):
    """A conversation, whose last message is to be answered."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1_000)]
    max_completion_tokens: _Count | None = None
    response_format: _Format | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=0)] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    tool_choice: Literal["none"] | None = None
    parallel_tool_calls: bool | None = None
    metadata: Annotated[dict[_Name, _Name], Field(max_length=16)] | None = None
    store: Literal[False] | None = None
    reasoning_effort: Literal["none"] | None = None


class CompletionBody(OpenAiBody):
    """A prompt, or several. It is the user's turn: a student knows no text without turns."""

    prompt: _Text | Annotated[list[_Text], Field(min_length=1, max_length=64)]
    best_of: _Candidates | None = None
    echo: Literal[False] | None = None
    logprobs: Annotated[int, Field(ge=0, le=0)] | None = None
    suffix: Literal[""] | None = None


class GenerateBody(Body):
    """An instruction, to be answered with a text that its language has checked."""

    instruction: Annotated[_Text, Field(min_length=1)]
    context: _Text | None = Field(None, description="What it is about; default: what retrieval finds.")
    system: _Text = ""
    schema_: _Schema | None = Field(
        None, alias="schema", description="A JSON Schema that the answer is held to."
    )
    tests: Annotated[list[dict[str, Any]], Field(max_length=100)] = []
    candidates: _Candidates = 1
    max_tokens: _Count | None = None
    temperature: _Temperature | None = None
    top_p: _Share | None = None
    seed: _Seed | None = None
    history: Annotated[list[ChatMessage], Field(max_length=200)] = []
    stream: bool = Field(
        False, description="Server-sent events: drafts as they are written, then the answer."
    )


class CheckBody(Body):
    """A text to be judged as the server's language."""

    text: _Text
    context: _Text | None = None
    schema_: _Schema | None = Field(None, alias="schema", description="A JSON Schema that it is judged by.")
    tests: Annotated[list[dict[str, Any]], Field(max_length=100)] = []


class FeedbackBody(Body):
    """What somebody made of an answer."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    rating: Annotated[int, Field(ge=-1, le=1)] | None = None
    correction: _Text | None = None

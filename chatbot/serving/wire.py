"""What goes over the wire: OpenAI's chat completions, as far as a small bot can mean them.

Unknown fields are let through, since clients send many; a known one that is wrong is an error.
Knows neither bots nor HTTP.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

_MAX_MESSAGES = 200


class TextPart(BaseModel):
    """A part of a message; a bot reads text alone."""

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One turn. What `system` and `developer` say is let through and not read: see `turns`."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    @property
    def text(self) -> str:
        """The message as one text."""
        if isinstance(self.content, str):
            return self.content
        return " ".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """What a stream ends with."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of `/v1/chat/completions`."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1, max_length=_MAX_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    n: int | None = Field(None, ge=1, le=16)
    max_tokens: int | None = Field(None, ge=1, le=1000)
    max_completion_tokens: int | None = Field(None, ge=1, le=1000)
    stop: str | list[str] | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)

    @field_validator("messages")
    @classmethod
    def _ends_with_the_user(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        if messages[-1].role != "user":
            raise ValueError("the last message must be the user's: it is what gets a reply")
        return messages

    @field_validator("stop")
    @classmethod
    def _at_most_four(cls, stop: str | list[str] | None) -> str | list[str] | None:
        if isinstance(stop, list) and len(stop) > 4:
            raise ValueError("at most 4 stop sequences")
        return stop

    @property
    def turns(self) -> list[str]:
        """What was said, the oldest turn first, speakers alternating.

        Messages of one speaker in a row are one turn. A small bot follows no instructions, so
        those of a `system` are left out rather than mistaken for something that a person said.
        """
        turns: list[tuple[str, str]] = []
        for message in self.messages:
            if message.role not in ("user", "assistant"):
                continue
            if turns and turns[-1][0] == message.role:
                turns[-1] = (message.role, f"{turns[-1][1]} {message.text}")
            else:
                turns.append((message.role, message.text))
        return [text for _, text in turns]

    @property
    def stops(self) -> tuple[str, ...]:
        """The sequences at which a reply ends."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(text for text in stop if text)

    @property
    def settings(self) -> dict[str, Any]:
        """The decoding settings that were asked for, by this project's names.

        A temperature of 0 is greedy search, any other temperature or a top_p is sampling; without
        them the bot searches as its owner chose.
        """
        given: dict[str, Any] = {
            "temperature": self.temperature or None,
            "top_p": self.top_p,
            "max_length": self.max_completion_tokens or self.max_tokens,
            "seed": None if self.seed is None else self.seed % 2**31,
        }
        if self.temperature == 0:
            given["strategy"] = "greedy"
        elif self.temperature is not None or self.top_p is not None:
            given["strategy"] = "sampling"
        return {name: value for name, value in given.items() if value is not None}


class TokenLogprob(BaseModel):
    """One token of a reply and what the model gave it, before temperature and penalties."""

    token: str
    logprob: float = Field(description="nats")
    bytes: list[int]
    top_logprobs: list[Any] = []


class Logprobs(BaseModel):
    """All tokens of a reply."""

    content: list[TokenLogprob]


class Said(BaseModel):
    """What a bot said."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """One reply."""

    index: int
    message: Said
    logprobs: Logprobs | None = None
    finish_reason: Literal["stop", "length"]


class Usage(BaseModel):
    """Tokens that were read and said."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """What `/v1/chat/completions` answers."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class Delta(BaseModel):
    """What a stream adds to a reply."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """What a stream adds to one of its replies."""

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: Literal["stop", "length"] | None = None


class ChatChunk(BaseModel):
    """One event of a stream."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None


class Model(BaseModel):
    """A bot that can be asked for by its `id`."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "chatbot"


class ModelList(BaseModel):
    """What `/v1/models` answers."""

    object: Literal["list"] = "list"
    data: list[Model]


class Health(BaseModel):
    """What `/healthz` answers: which bots are loaded, and which could be."""

    status: Literal["ok", "stopping"]
    ready: list[str]
    models: list[str]


class Problem(BaseModel):
    """Why a request was not answered."""

    message: str
    type: str
    param: str | None = None
    code: str


class Refusal(BaseModel):
    """The body of every error."""

    error: Problem

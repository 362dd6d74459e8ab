"""From a request to its replies: search, stop sequences, counts of tokens, probabilities.

Knows the wire's shapes and bots; knows no HTTP.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from chatbot.config import DecodingConfig, changed
from chatbot.serving.wire import (
    ChatChunk,
    ChatCompletion,
    ChatRequest,
    Choice,
    ChunkChoice,
    Delta,
    Logprobs,
    Said,
    TokenLogprob,
    Usage,
)

if TYPE_CHECKING:
    from chatbot.batching import Batcher
    from chatbot.bot import Reply

_Reason = Literal["stop", "length"]
_SEEDS = 2**31
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Found(NamedTuple):
    """One finished reply."""

    text: str
    reason: _Reason
    tokens: int


class Completion:
    """One request to one bot."""

    def __init__(self, bot: Batcher, decoding: DecodingConfig, asked: ChatRequest) -> None:
        """Takes the bot, its own settings, and the request, which changes them.

        Raises:
            ConfigError: the settings do not fit together.
        """
        self._bot, self._asked = bot, asked
        self._decoding = _decoding(decoding, asked)
        self._id, self._created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())

    def ask(self) -> Future[Reply]:
        """Asks the bot without waiting; `whole` takes the reply."""
        return self._bot.submit(self._asked.turns, self._decoding)

    def whole(self, reply: Reply | None = None) -> ChatCompletion:
        """Returns all replies at once; waits for them unless what the bot said is given."""
        found = self._found(reply or self._reply())
        return ChatCompletion(
            id=self._id,
            created=self._created,
            model=self._bot.name,
            choices=[
                Choice(
                    index=index,
                    message=Said(content=one.text),
                    logprobs=self._logprobs(one.text),
                    finish_reason=one.reason,
                )
                for index, one in enumerate(found)
            ],
            usage=self._usage(found),
        )

    def chunks(self) -> Iterator[ChatChunk]:
        """Yields what each reply grows by, then why it ended, then the counts if asked for."""
        found = []
        several = (self._asked.n or 1) > 1
        for index, growing in enumerate(self._growing(several)):
            yield self._chunk(index, Delta(role="assistant", content=""))
            said = ""
            for text in growing:
                if len(text) > len(said):
                    yield self._chunk(index, Delta(content=text[len(said) :]))
                    said = text
            found.append(self._counted(said))
            yield self._last_chunk(index, found[-1])
        if self._asked.stream_options and self._asked.stream_options.include_usage:
            chunk = self._chunk(0, Delta())
            yield chunk.model_copy(update={"choices": [], "usage": self._usage(found)})

    def _growing(self, several: bool) -> list[Iterator[str]]:
        if several:
            return [iter([one.text]) for one in self._found(self._reply())]
        texts = self._bot.stream(self._asked.turns, self._decoding)
        return [until_stop(texts, self._asked.stops)]

    def _reply(self) -> Reply:
        return self._bot.reply(self._asked.turns, self._decoding)

    def _found(self, reply: Reply) -> list[Found]:
        others = reply.alternatives[1 : self._asked.n or 1]
        texts = [reply.text, *(other.text for other in others)]
        return [self._counted(_cut(text, self._asked.stops)) for text in texts]

    def _counted(self, text: str) -> Found:
        most = self._decoding.max_length
        tokens = min(self._bot.bot.count_tokens(text), most)  # the tokenizer may cut it smaller
        return Found(text, "length" if tokens == most else "stop", tokens)

    def _usage(self, found: Sequence[Found]) -> Usage:
        shown = self._bot.bot.encode([self._asked.turns], self._decoding.history_turns)
        prompt, said = int((shown > 0).sum()), sum(one.tokens for one in found)
        return Usage(prompt_tokens=prompt, completion_tokens=said, total_tokens=prompt + said)

    def _logprobs(self, text: str) -> Logprobs | None:
        if not self._asked.logprobs:
            return None
        explained = self._bot.explain(self._asked.turns, self._decoding, text)
        pieces = zip(explained.pieces, explained.probabilities, strict=True)
        return Logprobs(
            content=[
                TokenLogprob(
                    token=piece.text,
                    logprob=float(np.log(max(probability, 1e-38))),
                    bytes=_bytes_of(piece.text),
                )
                for piece, probability in pieces
                if not piece.mark
            ]
        )

    def _chunk(self, index: int, delta: Delta) -> ChatChunk:
        choice = ChunkChoice(index=index, delta=delta)
        return ChatChunk(id=self._id, created=self._created, model=self._bot.name, choices=[choice])

    def _last_chunk(self, index: int, found: Found) -> ChatChunk:
        chunk = self._chunk(index, Delta())
        choice = chunk.choices[0].model_copy(
            update={"finish_reason": found.reason, "logprobs": self._logprobs(found.text)}
        )
        return chunk.model_copy(update={"choices": [choice]})


def until_stop(texts: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """Passes a growing text on up to the first stop sequence.

    What could be the beginning of one is held back until more is known.

    >>> list(until_stop(iter(["one", "one. T", "one. Two"]), [". Tw"]))
    ['one', 'one', 'one']
    >>> list(until_stop(iter(["one. ", "one. T"]), [". Tw"]))
    ['one', 'one', 'one. T']
    """
    text = ""
    for text in texts:
        ends = [place for stop in stops if (place := text.find(stop)) >= 0]
        if ends:
            yield text[: min(ends)]
            return
        yield text[: len(text) - _held(text, stops)]
    if _held(text, stops):
        yield text


def _cut(text: str, stops: Sequence[str]) -> str:
    return list(until_stop(iter([text]), stops))[-1]


def _held(text: str, stops: Sequence[str]) -> int:
    """Returns how many characters at the end may begin a stop sequence."""
    begun = (size for stop in stops for size in range(1, len(stop)) if text.endswith(stop[:size]))
    return max(begun, default=0)


def _bytes_of(piece: str) -> list[int]:
    """Returns what a token adds to the reply; a token may be one byte of a character.

    >>> _bytes_of(" a"), _bytes_of("<0xE4>")
    ([32, 97], [228])
    """
    byte = _BYTE.fullmatch(piece)
    return [int(byte[1], 16)] if byte else list(piece.encode())


def _decoding(own: DecodingConfig, asked: ChatRequest) -> DecodingConfig:
    wanted, count = dict(asked.settings), asked.n or 1
    strategy = wanted.get("strategy", own.strategy)
    if count > 1 and strategy == "greedy":
        strategy = "sampling"  # greedy search finds one reply, and several are wanted
    if strategy == "beam":
        wanted["beam_size"] = max(own.beam_size, count)
    if strategy == "sampling":
        wanted.setdefault("seed", secrets.randbelow(_SEEDS))
    if "max_length" in wanted:  # who asks for few tokens has not asked for a shortest reply
        wanted["min_length"] = min(own.min_length, wanted["max_length"] - 1)
    return changed(own, **{**wanted, "strategy": strategy, "n_best": count})

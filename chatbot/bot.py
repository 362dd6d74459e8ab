"""Chatbot: a loaded bundle that replies. It keeps no conversation: history comes with each call.

    bot = Chatbot.load("english")
    reply = bot.reply(["Hi", "Hello, how are you?", "Fine, you?"])

Knows the bundle, the search and the text around them; knows no page and no command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatbot.bundle import Bundle, load_bundle
from chatbot.config import EOS_ID, MAX_MESSAGE_CHARACTERS, PAD_ID, DecodingConfig, changed
from chatbot.decoding.engine import SearchEngine
from chatbot.decoding.likelihood import Likelihood
from chatbot.decoding.phrases import BlockList
from chatbot.decoding.specific import SpecificFirst
from chatbot.decoding.state import Hypotheses
from chatbot.errors import MessageError
from chatbot.explanation import Alternative, Explanation, Mark, Piece
from chatbot.tact import Tact
from chatbot.text.cleaning import clean_text
from chatbot.text.facts import FactBook
from chatbot.text.set_lines import declined, is_set_line, neither, unsure
from chatbot.text.source import NOTHING, pad, source_ids
from chatbot.text.tokenizer import BOT_ID, CONTROL_IDS, USER_ID

_MARKS: dict[int, Mark] = {USER_ID: "user", BOT_ID: "bot", EOS_ID: "end"}
_EXPLAINED_BEAM = 5  # hypotheses that an explanation looks at, at least
_EXPLAINED_TOKENS = 256  # of a reply, at most

History = str | Sequence[str]


@dataclass(frozen=True)
class Reply:
    """What the bot says, and what else it could have said."""

    text: str
    confidence: float  # of the best hypothesis, as in Alternative; 0 where all were blocked
    alternatives: tuple[Alternative, ...]  # of the n_best of the search, the best first
    fact: bool = False  # the owner's own words, said in the model's place


class _Found(NamedTuple):
    """One hypothesis of a search: its tokens, and as it reads."""

    token_ids: list[int]
    seen: Alternative


class Chatbot:
    """A trained model with its tokenizer, ready to reply."""

    def __init__(self, bundle: Bundle) -> None:
        """Takes a loaded bundle; `Chatbot.load` is the usual way in."""
        self.name, self.language = bundle.info.name, bundle.info.language
        self.decoding = bundle.config.decoding
        self.max_history = bundle.config.corpus.history_turns
        self._bundle = bundle
        self._facts = FactBook(bundle.facts)
        self._likelihood = Likelihood(bundle.network.logits)
        self._engine = SearchEngine(
            bundle.network,
            CONTROL_IDS,
            specific_first=SpecificFirst(self._likelihood, NOTHING),
            encode=bundle.tokenizer.encode,
        )
        self._tact = Tact(bundle.tones, bundle.tokenizer.encode_batch, bundle.network)

    @classmethod
    def load(cls, name_or_folder: str | Path) -> Chatbot:
        """Loads a bundle by its name in saved_models/ or by its folder.

        Raises:
            BundleError: it is missing, damaged or newer than this program.
        """
        return cls(load_bundle(name_or_folder))

    def reply(self, history: History, decoding: DecodingConfig | None = None) -> Reply:
        """Answers the last message of a history (oldest turn first, speakers alternating).

        Raises:
            MessageError: the message is empty or longer than 2,000 characters.
        """
        return self.reply_batch([history], decoding)[0]

    def reply_batch(
        self,
        histories: Sequence[History],
        decoding: DecodingConfig | None = None,
        seeds: Sequence[int] | None = None,
    ) -> list[Reply]:
        """Answers many histories at once, each as if it were alone.

        A message that asks for one of the bot's facts gets that, whatever was said before.

        Args:
            histories: one for each reply.
            decoding: how to search; the bundle's own settings by default.
            seeds: for sampling, one for each row; `decoding.seed` for all by default.
        """
        settings = decoding or self.decoding
        if not histories:
            return []
        sources = self.encode(histories, settings.history_turns)
        facts = [self._fact(history) for history in histories]
        asked = [row for row, fact in enumerate(facts) if fact is None]
        seeds = seeds or [settings.seed] * len(sources)
        found = iter(
            self._searched(sources[asked], settings, [seeds[row] for row in asked]) if asked else ()
        )
        return [
            fact or self._if_sure(next(found), history, settings)
            for fact, history in zip(facts, histories, strict=True)
        ]

    def stream(self, history: History, decoding: DecodingConfig | None = None) -> Iterator[str]:
        """Yields the growing reply; the last text equals `reply`'s.

        Greedy search and sampling yield after each token. A beam changes its mind, and blocked
        phrases and a reply's confidence are judged on the whole text: with these the finished
        reply is yielded once, and so is a fact.
        """
        settings = decoding or self.decoding
        if judged_whole(settings) or self._fact(history):
            yield self.reply(history, settings).text
            return
        shown = None
        source = self.encode([history], settings.history_turns)
        for token_ids in self._engine.stream(source, settings, settings.seed):
            text = self._text(token_ids[0])
            if text != shown:
                shown = text
                yield text

    def explain(
        self, history: History, decoding: DecodingConfig | None = None, reply: str | None = None
    ) -> Explanation:
        """Tells why the model gives a reply to the last message of a history.

        The probabilities are the model's own: temperature, penalties, n-gram blocking and all the
        other settings are not applied to them. The settings decide which reply is explained where
        none is given, and which others a beam finds (of five hypotheses at least, whatever the
        strategy; their scores are what the settings made of them).

        Args:
            history: as in `reply`.
            decoding: how to search; the bundle's own settings by default.
            reply: the text to explain, whoever said it; by default what `reply` would answer. It
                is taken in the very pieces that the search chose where the search finds this
                text, else in those of the tokenizer; 256 at most.

        Raises:
            MessageError: the message is empty or longer than 2,000 characters.
        """
        settings = decoding or self.decoding
        source = self.encode([history], settings.history_turns)
        text = self.reply(history, settings).text if reply is None else clean_text(reply)
        beam = self._found(source, _widened(settings))
        token_ids = self._ids_of(text, [*beam, *self._found(source, settings)])
        followed = self._engine.follow(source, token_ids)
        attends = self._bundle.config.model.attention != "none"
        return Explanation(
            reply=text,
            source=tuple(map(self._piece, source[0])),
            pieces=tuple(map(self._piece, token_ids)),
            probabilities=tuple(np.exp(followed.log_probs).tolist()),
            attention=followed.attention if attends else None,
            alternatives=_others(text, beam, settings),
            confidence=float(np.exp(followed.log_probs.mean())),
            by_rule=is_set_line(text) or self._is_fact(history, text),
        )

    def score_batch(
        self, histories: Sequence[History], replies: Sequence[str]
    ) -> list[tuple[float, int]]:
        """Returns how likely the model finds given replies: (nats, tokens) for each.

        Teacher forcing: the sum over the reply's tokens and its `<EOS>`, without smoothing.
        """
        targets = [[*ids, EOS_ID] for ids in self._bundle.tokenizer.encode_batch(replies)]
        nats = self._likelihood(self.encode(histories), pad(targets))
        return [(float(n), len(ids)) for n, ids in zip(nats, targets, strict=True)]

    def count_tokens(self, text: str) -> int:
        """Returns how many tokens a text has, without `<EOS>`."""
        return len(self._bundle.tokenizer.encode(text))

    def encode(self, histories: Sequence[History], history_turns: int = 0) -> NDArray[np.int32]:
        """Returns what the model is shown: source_ids (B,S), right-padded with `<PAD>`.

        Args:
            histories: of each the last `history_turns` are shown, never more than the model was
                trained with (`max_history`); 0 shows as many as that.
            history_turns: as in `DecodingConfig`.
        """
        shown = min(history_turns or self.max_history, self.max_history)
        limit = self._bundle.config.training.max_source_tokens
        tokenizer = self._bundle.tokenizer
        rows = [
            source_ids(tokenizer.encode_batch(self._turns(history, shown)), limit)
            for history in histories
        ]
        return pad(rows)

    def check(self, history: History) -> None:
        """Makes sure that a history can be answered.

        Raises:
            MessageError: its message is empty or too long.
        """
        self._turns(history, 1)

    def _fact(self, history: History) -> Reply | None:
        """Returns the reply to a message that asks for a fact."""
        message = history if isinstance(history, str) else "".join(history[-1:])
        fact = self._facts.find(clean_text(message))
        return Reply(fact.reply, 1.0, (), fact=True) if fact else None

    def _is_fact(self, history: History, text: str) -> bool:
        fact = self._fact(history)
        return fact is not None and fact.text == text

    def _searched(
        self, sources: NDArray[np.int32], settings: DecodingConfig, seeds: Sequence[int]
    ) -> list[Reply]:
        """Returns what a search answers to each source."""
        found = self._engine.search(sources, settings, list(seeds))
        rows = range(len(sources))
        replies = [_choose(self._alternatives(found, row), settings) for row in rows]
        return [
            self._tactful(reply or self._reply_around_blocks(source, settings), source, settings)
            for reply, source in zip(replies, sources[:, np.newaxis], strict=True)
        ]

    def _tactful(self, reply: Reply, source: NDArray[np.int32], settings: DecodingConfig) -> Reply:
        """Returns the reply, or a line of neither tone where it is glad at what may be bad news."""
        if not self._tact.forbids(reply.text, source, settings):
            return reply
        shown = source[source != PAD_ID]  # the same line in any batch
        line = neither(self.language, shown.tobytes())
        if BlockList(settings.blocked_phrases).find(line):
            line = declined(self.language)
        others = (a for a in reply.alternatives[1:] if not self._tact.is_glad(a.text))
        first = replace(reply.alternatives[0], text=line)
        return replace(reply, text=line, alternatives=(first, *others))

    def _if_sure(self, reply: Reply, history: History, settings: DecodingConfig) -> Reply:
        """Returns the reply, or an honest line where the model itself finds it unlikely."""
        if reply.confidence >= settings.min_confidence:
            return reply
        message = history if isinstance(history, str) else history[-1]
        return replace(reply, text=unsure(self.language, message))

    def _turns(self, history: History, shown: int) -> list[str]:
        turns = [history] if isinstance(history, str) else list(history)
        message = clean_text(turns[-1]) if turns else ""
        if not message:
            raise MessageError(
                "The message is empty: there is nothing to reply to. Write something."
            )
        if len(message) > MAX_MESSAGE_CHARACTERS:
            raise MessageError(
                f"The message has {len(message):,} characters, more than the "
                f"{MAX_MESSAGE_CHARACTERS:,} that are read. Shorten it."
            )
        earlier = turns[max(0, len(turns) - shown) : -1]
        return [*(turn[:MAX_MESSAGE_CHARACTERS] for turn in earlier), message]

    def _reply_around_blocks(self, source: NDArray[np.int32], settings: DecodingConfig) -> Reply:
        """Looks at more hypotheses where all were blocked, and declines if none is left."""
        wider = changed(settings, strategy="beam", beam_size=max(8, settings.n_best))
        found = self._engine.search(source, wider, [settings.seed])
        chosen = _choose(self._alternatives(found, 0), settings)
        return chosen or Reply(declined(self.language), 0.0, ())

    def _found(self, source: NDArray[np.int32], settings: DecodingConfig) -> list[_Found]:
        """Returns what a search of one source finds, the best first."""
        found = self._engine.search(source, settings, [settings.seed])
        return [
            _Found(found.token_ids[0, k, :length].tolist(), self._read(found, 0, k))
            for k, length in enumerate(found.lengths[0])
        ]

    def _ids_of(self, text: str, found: Sequence[_Found]) -> list[int]:
        """Returns the tokens of a reply as a search chose them, else as the tokenizer cuts them."""
        chosen = next((one.token_ids for one in found if one.seen.text == text), None)
        ids = chosen or [*self._bundle.tokenizer.encode(text), EOS_ID]
        return ids[:_EXPLAINED_TOKENS]

    def _piece(self, token_id: int) -> Piece:
        mark = _MARKS.get(int(token_id), "")
        text = "" if mark else self._bundle.tokenizer.piece(token_id).replace("▁", " ")
        return Piece(text, mark)

    def _alternatives(self, found: Hypotheses, row: int) -> list[Alternative]:
        """Returns all hypotheses of one source, the best first."""
        return [self._read(found, row, k) for k in range(found.scores.shape[1])]

    def _read(self, found: Hypotheses, row: int, k: int) -> Alternative:
        length = int(found.lengths[row, k])
        mean = float(found.token_log_probs[row, k, :length].mean()) if length else 0.0
        text = self._text(found.token_ids[row, k])
        return Alternative(text, float(found.scores[row, k]), float(np.exp(mean)))

    def _text(self, token_ids: NDArray[np.int32]) -> str:
        return self._bundle.tokenizer.decode(token_ids.tolist())


def judged_whole(settings: DecodingConfig) -> bool:
    """Tells settings under which a reply is known only when all of it is."""
    several = settings.strategy == "beam" or settings.n_best > 1
    return several or bool(settings.blocked_phrases) or settings.min_confidence > 0


def _widened(settings: DecodingConfig) -> DecodingConfig:
    """Returns the settings with a beam of at least five."""
    width = max(_EXPLAINED_BEAM, settings.beam_size)
    return changed(settings, strategy="beam", beam_size=width, n_best=1)


def _choose(found: Sequence[Alternative], settings: DecodingConfig) -> Reply | None:
    """Returns the best hypothesis that holds no blocked phrase, None if all do."""
    blocked = BlockList(settings.blocked_phrases)
    clean = [a for a in found if blocked.find(a.text) is None]
    # A hypothesis may come to no text (an empty place of a beam, half a character).
    with_text = [a for a in clean if a.text] or (clean if len(clean) == len(found) else [])
    if not with_text:
        return None
    best = with_text[0]
    return Reply(best.text, best.confidence, tuple(with_text[: settings.n_best]))


def _others(
    text: str, found: Sequence[_Found], settings: DecodingConfig
) -> tuple[Alternative, ...]:
    """Returns each other reply that may be said, once, the best first."""
    blocked = BlockList(settings.blocked_phrases)
    others: dict[str, Alternative] = {}
    for _, other in found:
        if other.text and other.text != text and blocked.find(other.text) is None:
            others.setdefault(other.text, other)
    return tuple(others.values())

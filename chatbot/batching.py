"""Messages of several visitors answered at once.

Who asks while nothing runs is answered at once: a lone visitor waits for nobody. Who asks while a
run is under way waits for its end, and the next run answers all of these together. What a reply is
does not depend on what it was batched with. Knows bots and no server.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property

from chatbot.bot import Chatbot, History, Reply, judged_whole
from chatbot.config import DecodingConfig, changed
from chatbot.explanation import Explanation

_MAX_BATCH = 64  # messages in one run; more would keep the first of them waiting


@dataclass(frozen=True, eq=False)
class _Asked:
    """One message that waits for its reply."""

    history: History
    decoding: DecodingConfig
    reply: Future[Reply] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.reply.set_running_or_notify_cancel()  # who goes away cannot spoil the run of others

    @cached_property  # asked for again in each run that this message waits for
    def shared(self) -> DecodingConfig:
        """What two messages must agree on to share a run: all settings but the seed."""
        return changed(self.decoding, seed=0)


class Batcher:
    """A bot for many at once: `reply` and `stream` may be called from any thread."""

    def __init__(self, bot: Chatbot, max_batch: int = _MAX_BATCH) -> None:
        """Takes a loaded bot, and how many messages one run answers at most."""
        self.bot, self._max_batch = bot, max_batch
        self.name, self.language, self.decoding = bot.name, bot.language, bot.decoding
        self._lock = threading.Lock()  # held for what follows, never while the graph runs
        self._waiting: list[_Asked] = []
        self._running, self._streams = False, 0

    def reply(self, history: History, decoding: DecodingConfig | None = None) -> Reply:
        """Answers the last message of a history, as `Chatbot.reply` does.

        Raises:
            MessageError: the message is empty or too long; others in the run get their replies.
        """
        reply, leads = self._ask(history, decoding)
        if leads:
            self._answer(self._next_batch())
            self._hand_over()
        return reply.result()

    def submit(self, history: History, decoding: DecodingConfig | None = None) -> Future[Reply]:
        """Asks without waiting, for who must not wait in a thread; raises what `reply` does."""
        reply, leads = self._ask(history, decoding)
        if leads:
            self._begin()
        return reply

    def _ask(self, history: History, decoding: DecodingConfig | None) -> tuple[Future[Reply], bool]:
        """Puts a message among those that wait; tells whether nobody answers them yet."""
        self.bot.check(history)  # so that a mistake is found before it is anyone else's
        asked = _Asked(history, decoding or self.decoding)
        with self._lock:
            self._waiting.append(asked)
            leads, self._running = not self._running, True
        return asked.reply, leads

    def stream(self, history: History, decoding: DecodingConfig | None = None) -> Iterator[str]:
        """Yields the growing reply; the last text equals `reply`'s.

        A lone visitor sees it grow where the search allows it; in a crowd it comes whole, with
        those of others, which is sooner than many streams beside each other would end.
        """
        settings = decoding or self.decoding
        with self._lock:
            alone = not (self._running or self._streams or judged_whole(settings))
            self._streams += alone
        if not alone:
            yield self.reply(history, settings).text
            return
        try:
            yield from self.bot.stream(history, settings)
        finally:
            with self._lock:
                self._streams -= 1

    def explain(
        self, history: History, decoding: DecodingConfig | None = None, reply: str | None = None
    ) -> Explanation:
        """Tells why the model gives a reply, as `Chatbot.explain` does; it shares no run."""
        return self.bot.explain(history, decoding, reply)

    def _hand_over(self) -> None:
        """Ends this thread's run: a new thread serves those who came in meanwhile."""
        with self._lock:
            self._running = bool(self._waiting)
            if self._running:
                self._begin()

    def _begin(self) -> None:
        threading.Thread(target=self._work, daemon=True, name="replies").start()

    def _work(self) -> None:
        while batch := self._next_batch():
            self._answer(batch)

    def _next_batch(self) -> list[_Asked]:
        """Takes the one who has waited longest and those who may share a run; nobody: rest."""
        with self._lock:
            shared = self._waiting[0].shared if self._waiting else None
            alike = [asked for asked in self._waiting if asked.shared == shared]
            batch = alike[: self._max_batch]
            self._waiting = [asked for asked in self._waiting if asked not in batch]
            self._running = bool(batch)
        return batch

    def _answer(self, batch: list[_Asked]) -> None:
        seeds = [asked.decoding.seed for asked in batch]
        try:
            histories = [asked.history for asked in batch]
            replies = self.bot.reply_batch(histories, batch[0].shared, seeds)
        except BaseException as error:
            for asked in batch:
                asked.reply.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for asked, reply in zip(batch, replies, strict=True):
                asked.reply.set_result(reply)

"""Several visitors share a run of the graph, and nobody notices but the clock."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatbot.batching import Batcher
from chatbot.bot import Reply
from chatbot.config import DecodingConfig, changed
from chatbot.errors import MessageError

GREEDY = DecodingConfig()


class SlowBot:
    """Answers with the message itself and remembers what came in one run."""

    name, language, decoding = "slow", "en", GREEDY

    def __init__(self):
        self.runs, self.threads, self.gate, self.started = [], [], threading.Event(), []
        self.gate.set()

    def check(self, history):
        if not history:
            raise MessageError("The message is empty.")

    def reply_batch(self, histories, decoding, seeds):
        self.started.append(len(histories))
        self.gate.wait(10)
        self.runs.append((list(histories), decoding, list(seeds)))
        self.threads.append(threading.current_thread())
        if "break" in histories:
            raise ValueError("broken")
        return [Reply(history, 1.0, ()) for history in histories]

    def stream(self, history, decoding):
        yield history[:1]
        yield history


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture
def bot():
    return SlowBot()


@pytest.fixture
def crowd(bot):
    """Asks many while the first one's run is held up, then lets all go on."""

    def ask(batcher, first, *others):
        bot.gate.clear()
        with ThreadPoolExecutor(1 + len(others)) as pool:
            asked = [pool.submit(batcher.reply, *first)]
            until(lambda: bot.started)
            asked += [pool.submit(batcher.reply, *other) for other in others]
            until(lambda: len(batcher._waiting) == len(others))
            bot.gate.set()
        return asked

    return ask


def test_a_lone_visitor_waits_for_nobody_and_is_answered_in_their_own_thread(bot):
    batcher = Batcher(bot)
    assert [batcher.reply(text).text for text in ("one", "two")] == ["one", "two"]
    assert [run[0] for run in bot.runs] == [["one"], ["two"]]
    assert set(bot.threads) == {threading.current_thread()}


def test_who_comes_during_a_run_shares_the_next(bot, crowd):
    asked = crowd(Batcher(bot), ("a",), *[(text,) for text in "bcdefg"])
    assert [one.result().text for one in asked] == list("abcdefg")
    assert [sorted(run[0]) for run in bot.runs] == [["a"], list("bcdefg")]


def test_a_run_answers_at_most_so_many(bot, crowd):
    crowd(Batcher(bot, max_batch=4), ("a",), *[(text,) for text in "bcdefg"])
    assert [len(run[0]) for run in bot.runs] == [1, 4, 2]


def test_settings_are_not_mixed_but_each_keeps_its_seed(bot, crowd):
    warm, cold = (changed(GREEDY, strategy="sampling", temperature=t) for t in (1.5, 0.5))
    others = [("b", changed(warm, seed=7)), ("c", cold), ("d", changed(warm, seed=8))]
    crowd(Batcher(bot), ("a",), *others)
    seeds = {}
    for texts, decoding, given in bot.runs:
        for text, seed in zip(texts, given, strict=True):
            seeds[text] = (decoding.temperature, seed)
    assert seeds == {"a": (0.8, 0), "b": (1.5, 7), "c": (0.5, 0), "d": (1.5, 8)}
    assert len(bot.runs) == 3


def test_a_visitors_mistake_is_theirs_alone(bot, crowd):
    batcher = Batcher(bot)
    asked = crowd(batcher, ("a",), ("b",))
    with pytest.raises(MessageError, match="empty"):
        batcher.reply("")
    assert [one.result().text for one in asked] == ["a", "b"]


def test_a_run_that_fails_tells_all_of_it_and_the_next_one_works(bot, crowd):
    batcher = Batcher(bot)
    first, *others = crowd(batcher, ("a",), ("break",), ("b",))
    assert first.result().text == "a"
    for other in others:
        with pytest.raises(ValueError, match="broken"):
            other.result()
    assert batcher.reply("c").text == "c"


def test_who_asks_without_waiting_shares_runs_and_cannot_spoil_them_by_leaving(bot):
    batcher = Batcher(bot)
    bot.gate.clear()
    first = batcher.submit("one")
    until(lambda: bot.started)
    left, stayed = batcher.submit("two"), batcher.submit("three")
    assert not left.cancel()
    bot.gate.set()
    assert [reply.result(10).text for reply in (first, stayed)] == ["one", "three"]
    assert [run[0] for run in bot.runs] == [["one"], ["two", "three"]]
    assert threading.current_thread() not in bot.threads
    with pytest.raises(MessageError):
        batcher.submit("")


def test_a_lone_visitor_sees_the_reply_grow(bot):
    assert list(Batcher(bot).stream("hello")) == ["h", "hello"]
    assert list(Batcher(bot).stream("hello", changed(GREEDY, strategy="beam"))) == ["hello"]


def test_in_a_crowd_it_comes_whole_even_beside_a_stream_that_nobody_reads(bot):
    batcher = Batcher(bot)
    unread = batcher.stream("hello")
    assert next(unread) == "h"
    assert list(batcher.stream("again")) == ["again"]
    unread.close()
    assert list(batcher.stream("again")) == ["a", "again"]


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_sixteen_visitors_get_what_each_would_get_alone(tiny_bot, strategy):
    messages = [["Hi", f"How are you, number {n}?", "Fine" * n] for n in range(1, 17)]
    settings = [
        changed(tiny_bot.decoding, strategy=strategy, temperature=1.5, seed=n) for n in range(16)
    ]
    batcher = Batcher(tiny_bot)
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(batcher.reply, messages, settings))
    alone = [tiny_bot.reply(*asked) for asked in zip(messages, settings, strict=True)]
    assert [reply.text for reply in together] == [reply.text for reply in alone]

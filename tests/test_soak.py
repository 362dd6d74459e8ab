"""Long runs, by `make soak`: thousands of replies must not grow the process."""

import gc

import pytest

from chatbot.config import changed
from chatbot.training.processor import peak_memory_bytes

MIB = 2**20


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_ten_thousand_replies_keep_the_memory_where_it_was(tiny_bot, strategy):
    settings = changed(tiny_bot.decoding, strategy=strategy)
    messages = ["hello " * (1 + i % 30) for i in range(200)]
    for message in messages * 2:  # compiles, and lets the allocator find its size
        tiny_bot.reply(message, settings)
    gc.collect()
    before = peak_memory_bytes()
    for message in messages * 50:
        tiny_bot.reply(message, settings)
    assert peak_memory_bytes() - before < 20 * MIB

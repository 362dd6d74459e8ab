"""A bot's facts are said word for word when they are asked for, and at no other time."""

import json
from pathlib import Path

import pytest

from chatbot.bot import Chatbot, Reply
from chatbot.config import changed
from chatbot.errors import ConfigError, MessageError
from chatbot.text.facts import THRESHOLD, Fact, FactBook, closeness, facts_from, plain_facts

DATA = Path(__file__).parent / "data"
ENGLISH = {
    "name": ["What is your name?", "Who are you?"],
    "age": ["How old are you?", "What is your age?"],
    "home": ["Where do you live?", "Where are you from?"],
    "maker": ["Who made you?", "Who created you?"],
    "kind": ["Are you a robot?", "Are you human?", "Are you a real person or a bot?"],
    "birthday": ["When is your birthday?", "When were you born?"],
    "job": ["What do you do?", "What is your job?"],
    "food": ["What is your favourite food?", "What do you like to eat?"],
    "family": ["Do you have a family?", "Do you have brothers or sisters?"],
    "languages": ["What languages do you speak?", "Can you speak German?"],
}
CHINESE = {
    "name": ["你叫什么名字？", "你是谁？"],
    "age": ["你几岁？", "你多大？"],
    "home": ["你住哪里？", "你是哪里人？", "你家住哪里？"],
    "maker": ["谁做的你？", "谁开发了你？"],
    "kind": ["你是机器人吗？", "你是真人还是机器人？"],
    "birthday": ["你的生日是什么时候？", "你生日是哪天？"],
    "job": ["你是做什么的？", "你的工作是什么？"],
    "food": ["你喜欢吃什么？", "你最喜欢的食物是什么？"],
    "family": ["你有女朋友吗？", "你有兄弟姐妹吗？"],
    "languages": ["你会说什么语言？", "你会说粤语吗？"],
}
ASKED_FOR = {  # the real messages that mean one of these facts, and which one
    "en": {
        "who are you?": "name",
        "what's your name?": "name",
        "are you a real person or a bot?": "kind",
        "are you human?": "kind",
        "what's your favourite food?": "food",
        "can u speak german": "languages",
    },
    "zh": {
        "你叫什么名字呀": "name",
        "你家住哪儿": "home",
        "谁做的你啊": "maker",
        "你是真人还是机器人？": "kind",
        "你会说粤语吗": "languages",
    },
}


def book(facts):
    return FactBook(Fact(tuple(says), name) for name, says in facts.items())


@pytest.mark.parametrize(("language", "facts"), [("en", ENGLISH), ("zh", CHINESE)])
def test_of_real_messages_only_those_that_ask_for_a_fact_get_it(language, facts):
    lines = (DATA / f"messages.{language}.jsonl").read_text(encoding="utf-8").splitlines()
    messages = [turn for line in lines for turn in json.loads(line)["history"]]
    known = book(facts)
    found = {message: known.find(message) for message in messages}
    told = {message: fact.reply for message, fact in found.items() if fact}
    assert len(messages) > 250
    assert told == ASKED_FOR[language]


@pytest.mark.parametrize(
    ("message", "wording"),
    [
        ("WHAT IS YOUR NAME", "What is your name?"),
        ("what’s your name??", "What is your name?"),
        ("hey, whats ur name pls", "What is your name?"),
        ("what is your nmae", "What is your name?"),
        ("Hi! So, where you live?", "Where do you live?"),
        ("Ｗｈｏ　ａｒｅ　ｙｏｕ？", "Who are you?"),
        ("  who\tare\nyou ", "Who are you?"),
        ("Comment t'appelles-tu ?", "comment t’appelles tu"),
        ("请问你叫啥名字？", "你叫什么名字"),
        ("你好，您叫什么名字呢", "你叫什么名字？"),
        ("你 几 岁 了？", "你几岁"),
        ("妳住在哪兒", "你住在哪里"),
    ],
)
def test_the_same_question_is_known_in_another_dress(message, wording):
    assert closeness(message, wording) >= THRESHOLD


@pytest.mark.parametrize(
    ("message", "wording"),
    [
        ("How are you?", "How old are you?"),
        ("What is your cat's name?", "What is your name?"),
        ("What is your game?", "What is your name?"),
        ("what is my name", "What is your name?"),
        ("What do you do?", "What are you?"),
        ("Where were you?", "Where are you?"),
        ("where do you live now that you moved", "Where do you live?"),
        ("My name is Ann. What do you think of it?", "What is your name?"),
        ("can't you swim", "Can you swim?"),
        ("hey", "Hello!"),
        ("你叫什么", "你叫什么名字"),
        ("我几岁", "你几岁"),
        ("你不是机器人吗", "你是机器人吗"),
        ("你最喜欢吃的糖果是什么", "你最喜欢吃的水果是什么"),
        ("??", "What is your name?"),
        ("", ""),
        ("a" * 10_000, "a" * 240),
    ],
)
def test_another_question_is_left_to_the_model(message, wording):
    assert FactBook([Fact((wording,), "fact")]).find(message) is None


def test_the_closest_fact_answers():
    facts = FactBook(
        [Fact(("Do you like running?",), "near"), Fact(("Do you like runing?",), "same")]
    )
    assert facts.find("you like runing").reply == "same"
    assert facts.find("you like runnning").reply == "near"


def test_facts_are_read_as_they_were_written_and_cleaned():
    values = [{"says": [" Who are\nyou? ", "", "Who are you?"], "reply": "  I'm\x00 Pip. "}]
    facts = facts_from(values)
    assert facts == (Fact(("Who are you?",), "I'm Pip."),)
    assert facts_from(json.loads(json.dumps(plain_facts(facts)))) == facts


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "must be a list"),
        ([{}] * 201, "at most 200"),
        ([{"says": "Hi", "reply": "x"}], "Fact 1"),
        ([{"says": ["Hi"], "reply": "x"}, {"says": ["\u200b"], "reply": "x"}], "Fact 2"),
        ([{"says": ["Hi"], "reply": " "}], "must be written"),
        ([{"says": ["a" * 241], "reply": "x"}], "at most 240 characters"),
        ([{"says": [str(n) for n in range(21)], "reply": "x"}], "more than 20 wordings"),
        ([{"says": ["Hi"], "reply": 7}], "no text"),
        (["Hi"], "Fact 1"),
    ],
)
def test_what_is_no_fact_is_one_clear_line(values, why):
    with pytest.raises(ConfigError, match=why) as caught:
        facts_from(values)
    assert "\n" not in str(caught.value)


@pytest.fixture
def sure_bot(tiny_bot):
    facts = (Fact(("What is your name?", "你叫什么名字"), "I'm Pip, and only Pip."),)
    return Chatbot(tiny_bot._bundle._replace(facts=facts))


@pytest.mark.parametrize("strategy", ["greedy", "beam", "sampling"])
def test_a_bot_says_its_fact_however_it_searches(sure_bot, strategy):
    settings = changed(sure_bot.decoding, strategy=strategy, blocked_phrases=("Pip",))
    history = ["Hello!", "Hi.", "so whats your name"]
    expected = Reply("I'm Pip, and only Pip.", 1.0, (), fact=True)
    assert sure_bot.reply(history, settings) == expected
    assert list(sure_bot.stream(history, settings)) == [expected.text]


def test_a_fact_in_a_batch_changes_no_other_reply(sure_bot, tiny_bot):
    messages = ["Hello!", "What is your name?", "How are you?", "你叫什么名字呀"]
    settings = changed(sure_bot.decoding, strategy="sampling")
    replies = sure_bot.reply_batch(messages, settings, seeds=[1, 2, 3, 4])
    assert [reply.fact for reply in replies] == [False, True, False, True]
    alone = tiny_bot.reply_batch(messages[::2], settings, seeds=[1, 3])
    assert [replies[0].text, replies[2].text] == [reply.text for reply in alone]


def test_an_empty_message_is_refused_as_ever(sure_bot):
    for history in ("", [], ["What is your name?", " "]):
        with pytest.raises(MessageError):
            sure_bot.reply(history)
        with pytest.raises(MessageError):
            list(sure_bot.stream(history))


def test_an_explanation_says_that_the_owner_put_the_fact_there(sure_bot):
    assert sure_bot.explain("What is your name?").by_rule
    assert sure_bot.explain("What is your name?").reply == "I'm Pip, and only Pip."
    assert not sure_bot.explain("What is your name?", reply="Another.").by_rule
    assert not sure_bot.explain("Hello!").by_rule


@pytest.mark.parametrize(
    ("wording", "message", "meant"),
    [
        ("*too many*pills*", "help, I think I took too many of my sleeping pills!!", True),
        ("*too many*pills*", "pills? too many to count", False),
        ("*too many*pills*", "too many pillspots", False),
        ("*want to die*", "I WANT TO DIE.", True),
        ("*不想活了*", "我真的不想活了，你懂吗", True),
        ("*不想活了*", "今天不想活动", False),
        ("*", "anything", False),
    ],
)
def test_a_wording_with_stars_stands_for_every_message_that_holds_its_words(
    wording, message, meant
):
    assert bool(FactBook([Fact((wording,), "yes")]).find(message)) == meant


def test_a_wording_that_is_close_answers_before_one_with_stars():
    book = FactBook([Fact(("*name*",), "stars"), Fact(("What is your name?",), "I'm Pip.")])
    assert book.find("whats your name").reply == "I'm Pip."

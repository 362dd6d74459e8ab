"""The corpora written for this project keep the promises of corpora/README.md."""

import functools
import itertools
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

from chatbot.corpus.placeholders import is_placeholder
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import ReadingLog
from chatbot.corpus.slots import open_slots, with_blanks
from chatbot.text.facts import Fact, FactBook, facts_from

ROOT = Path(__file__).parents[2]
CORPORA = ROOT / "corpora"
FILES = sorted(CORPORA.glob("*.yml"))
KINDS = "food place person pet_name pet film band book team game job subject number".split()
LANGUAGES = ["en", "zh"]
_TOKENS = {"en": r"\{\w+\}|[a-z0-9']+", "zh": r"\{\w+\}|[a-z0-9]+|[\u4e00-\u9fff]"}


@functools.cache  # these files take seconds to parse; nobody changes what comes of it
def read(name):
    text = (CORPORA / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture(scope="module")
def situations(language):
    return read(f"small-talk.{language}.yml")["situations"]


@pytest.fixture(scope="module")
def messages(language):
    """Single messages with their gists, without what was said before."""
    by_gist = read(f"messages.{language}.yml")["messages"]
    return [(last(message), gist) for gist, said in by_gist.items() for message in said]


def last(message):
    return message[-1] if isinstance(message, list) else message


@pytest.fixture(scope="module")
def conversations(language):
    return [list(map(said, turns)) for turns in talks(f"conversations.{language}.yml")]


def talks(name):
    return read(name)["conversations"]


def said(turn):
    """What a turn says, with or without a gist."""
    return turn["says"] if isinstance(turn, dict) else turn


@pytest.fixture(scope="module")
def questions(language):
    return read(f"faq.{language}.yml")["situations"]


def plain(text):
    """A text without case and punctuation; of one that is nothing else, itself."""
    return " ".join(re.findall(r"[\w']+", text.lower())) or text.strip()


@functools.cache  # each wording is compared with every other one of its situation
def tokens_of(text, language):
    return Counter(re.findall(_TOKENS[language], text.lower()))


def alike(one, other, language):
    """The share of the longer text's tokens that the other has as well."""
    counts = [tokens_of(text, language) for text in (one, other)]
    longest = max(sum(count.values()) for count in counts)
    return (counts[0] & counts[1]).total() / longest if longest else 0.0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_licence_stands_in_the_first_line(path):
    assert "CC0 1.0" in path.read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_read_by_the_projects_own_reader(path):
    document = read(path.name)
    if path.name.startswith(("slots", "gists", "crisis", "plain")):
        pytest.skip("no talk of its own: lists for the corpora that name them, or facts")
    general = read(document["gists"])["gists"] if "gists" in document else {}
    said = Counter(s.get("gist") for s in document.get("situations", []) for _ in s["says"])
    said += Counter({gist: len(found) for gist, found in document.get("messages", {}).items()})
    whole = document.get("conversations", [])
    said += Counter(turn["gist"] for turns in whole for turn in turns if isinstance(turn, dict))
    pairs = sum(len(s["says"]) * len(s["replies"]) for s in document.get("situations", []))
    pairs += sum(count * len(general.get(gist, [])) for gist, count in said.items())
    log = ReadingLog()
    found = list(read_conversations(path, log))
    assert len(found) == pairs + len(whole)
    assert not log.notes


def test_there_are_as_many_as_promised(situations, conversations, questions):
    assert len(situations) >= 1200
    assert len(conversations) >= 300
    assert Counter(question["about"] for question in questions).most_common() == [
        ("library", 200),
        ("bicycle shop", 200),
    ]


def test_every_situation_has_five_wordings_and_two_replies(situations):
    assert [s for s in situations if len(s["says"]) < 5 or len(set(s["replies"])) < 2] == []


def test_every_question_has_three_wordings_to_learn_three_held_out_and_one_answer(questions):
    assert {(len(q["says"]), len(q["held_out"]), len(q["replies"])) for q in questions} == {
        (3, 3, 1)
    }
    every = [plain(wording) for q in questions for wording in (*q["says"], *q["held_out"])]
    assert [wording for wording, count in Counter(every).items() if count > 1] == []


def test_no_wording_shares_seven_tenths_of_its_tokens_with_another_of_its_situation(
    situations, language
):
    pairs = (pair for s in situations for pair in itertools.combinations(s["says"], 2))
    assert [pair for pair in pairs if alike(*pair, language) >= 0.7] == []


def test_no_situation_repeats_another(situations):
    where = defaultdict(set)
    for number, situation in enumerate(situations):
        for wording in situation["says"]:
            where[plain(wording)].add(number)
    assert [wording for wording, numbers in where.items() if len(numbers) > 1] == []
    replies = Counter(frozenset(map(plain, s["replies"])) for s in situations)
    assert [both for both, count in replies.items() if count > 1] == []


def test_no_reply_serves_more_than_three_situations(situations):
    replies = Counter(reply for s in situations for reply in set(map(plain, s["replies"])))
    assert [reply for reply, count in replies.items() if count > 3] == []


def test_nine_situations_and_turns_in_ten_have_a_gist_and_each_gist_two_replies(language):
    gists = read(f"gists.{language}.yml")["gists"]
    situations = read(f"small-talk.{language}.yml")["situations"]
    turns = [turn for turns in talks(f"conversations.{language}.yml") for turn in turns[::2]]
    for items in (situations, turns):
        named = [item["gist"] for item in items if "gist" in item]
        assert set(named) <= set(gists)
        assert len(named) >= 0.9 * len(items)
    assert {len(set(map(plain, replies))) for replies in gists.values()} == {2}  # fair chances


def test_single_messages_are_of_every_gist_and_stand_nowhere_else(messages, situations, language):
    said = Counter(gist for _, gist in messages)
    assert set(said) == set(read(f"gists.{language}.yml")["gists"])
    assert min(said.values()) >= 10
    by_gist = read(f"messages.{language}.yml")["messages"]
    alone = [m for said in by_gist.values() for m in said if isinstance(m, str)]
    every = Counter(map(plain, alone))
    every.update({plain(wording) for s in situations for wording in s["says"]})
    assert [message for message, count in every.items() if count > 1] == []


def test_in_every_conversation_the_person_begins_and_the_bot_ends(conversations):
    assert {len(turns) for turns in conversations} <= {4, 6, 8, 10}


def test_no_conversation_comes_twice(conversations):
    begun = Counter(tuple(map(plain, turns)) for turns in conversations)
    assert [turns for turns, count in begun.items() if count > 1] == []


def test_a_slot_of_a_reply_stands_in_what_it_replies_to(situations, conversations):
    lost = [
        (reply, wording)
        for s in situations
        for reply, wording in itertools.product(s["replies"], s["says"])
        if open_slots(reply).keys() - open_slots(wording).keys()
    ]
    for turns in conversations:
        for place in range(1, len(turns), 2):
            said = " ".join(turns[:place])
            if open_slots(turns[place]).keys() - open_slots(said).keys():
                lost.append((turns[place], said))
    assert lost == []


def test_a_slot_is_never_all_that_is_known_of_a_line(situations):
    """A part of the sentence itself is never a slot: beside it stand words."""
    lines = [w for s in situations for w in (*s["says"], *s["replies"]) if open_slots(w)]
    assert [line for line in lines if not re.search(r"\w", with_blanks(line))] == []


def test_the_lists_hold_150_things_of_each_kind(language):
    slots = read(f"slots.{language}.yml")["slots"]
    assert sorted(slots) == sorted(KINDS)
    assert {kind for kind, things in slots.items() if len(set(map(plain, things))) < 150} == set()


def test_no_line_is_a_placeholder_or_too_long(situations, conversations, messages):
    lines = [w for s in situations for w in (*s["says"], *s["replies"])]
    lines += [message for message, _ in messages]
    lines += [turn for turns in conversations for turn in turns]
    assert [line for line in lines if is_placeholder(with_blanks(line)) or len(line) > 160] == []
    assert [line for line in lines if line != line.strip() or "  " in line] == []


def test_messages_held_out_for_measuring_stand_in_no_corpus(
    language, situations, conversations, messages
):
    held_out = [m for said in read(f"held-out.{language}.yml")["messages"].values() for m in said]
    known = {plain(wording) for s in situations for wording in s["says"]}
    known |= {plain(message) for message, _ in messages}
    assert len(held_out) >= 240
    assert [message for message in held_out if plain(message) in known] == []


def bot_lines(situations, conversations):
    yield from (reply for s in situations for reply in s["replies"])
    yield from (turn for turns in conversations for turn in turns[1::2])


def test_the_bot_ends_its_sentences_and_draws_no_faces(situations, conversations):
    ended = re.compile(r"[.!?。！？…～~\"”’')）:：]$|\}$")
    wrong = [line for line in bot_lines(situations, conversations) if not ended.search(line)]
    wrong += [
        line
        for line in bot_lines(situations, conversations)
        if re.search("[☀-➿😀-🙏🌀-🗿🚀-🛿🤀-🧿]", line)
    ]
    assert wrong == []


def test_the_bot_never_says_that_it_is_human(situations, conversations, language):
    human = {
        "en": r"\b(i am|i'm) (a )?(human|person|man|woman|girl|boy)\b"
        r"|\bmy (wife|husband|mum|mom|son|daughter)\b",
        "zh": r"我是(真)?人类?[。！，]|我(老婆|老公|妈妈|爸爸|儿子|女儿)",
    }[language]
    lines = [
        line for line in bot_lines(situations, conversations) if re.search(human, line.lower())
    ]
    assert lines == []


def test_the_bot_spells_as_the_dictionary_does():
    """English words of the bot's lines; what people type may hold errors, that is the point."""
    from spellchecker import SpellChecker

    own = set((Path(__file__).parent / "own_words.txt").read_text(encoding="utf-8").split())
    lines = [
        *bot_lines(read("small-talk.en.yml")["situations"], talks("conversations.en.yml")),
        *itertools.chain.from_iterable(read("gists.en.yml")["gists"].values()),
    ]
    words = {w for line in lines for w in re.findall(r"[a-zé']+", with_blanks(line).lower())}
    bare = {word.strip("'").removesuffix("'s") for word in words} - own
    assert sorted(SpellChecker().unknown(word for word in bare if word)) == []


def test_the_bot_writes_simplified_characters():
    """GB 2312 holds the simplified characters in common use and no traditional ones."""
    lines = [
        *bot_lines(read("small-talk.zh.yml")["situations"], talks("conversations.zh.yml")),
        *itertools.chain.from_iterable(read("gists.zh.yml")["gists"].values()),
    ]
    characters = set("".join(lines)) - set("—～·’‘嗨噢哇嘞囧瞅啰喽呗咯瘆")
    assert {c for c in characters if not c.encode("gb2312", "ignore")} == set()


@pytest.fixture
def learned(situations, conversations, messages):
    """All that a person says in the corpora, in plain letters."""
    known = {plain(wording) for s in situations for wording in s["says"]}
    known |= {plain(message) for message, _ in messages}
    return known | {plain(turn) for turns in conversations for turn in turns[::2]}


def measuring(name):
    lines = (ROOT / "tests" / "data" / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_no_test_message_stands_in_the_corpora(language, learned):
    messages = measuring(f"messages.{language}.jsonl")
    assert len(messages) == 250
    assert all(message["must"] and message["must_not"] for message in messages)
    assert [m["id"] for m in messages if plain(m["history"][-1]) in learned] == []


def test_no_message_of_a_tone_stands_in_the_corpora(language, learned):
    messages = measuring(f"tones.{language}.jsonl")
    count = Counter(message["tone"] for message in messages)
    assert count["sorry"] > 180
    assert count["glad"] > 180
    assert [m for m in messages if plain(m["history"][-1]) in learned] == []


@pytest.mark.parametrize(
    "text",
    ["", "- a", "a: [", "situations: [a]", "messages: [a]", "messages: {crisis: [a]}", "facts: x"],
)
def test_fixed_replies_refuses_what_is_no_corpus_of_ours_in_one_line(tmp_path, text):
    (tmp_path / "other.yml").write_text(text, encoding="utf-8")
    command = [sys.executable, str(CORPORA / "fixed_replies.py"), "nobody", "other.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"Error: no fixed replies for nobody: .+\n", done.stderr)


CHEERFUL = {"good", "proud", "bignews", "birthday", "festive", "likes", "laugh", "joke", "thanks"}


def test_no_words_of_danger_stand_in_a_cheerful_message(messages, language):
    facts = facts_from(read(f"crisis.{language}.yml")["facts"])
    starred = [Fact(tuple(w for w in fact.says if "*" in w), fact.reply) for fact in facts]
    book = FactBook(starred)
    cheerful = [message for message, gist in messages if gist in CHEERFUL]
    assert len(cheerful) > 1000
    assert [message for message in cheerful if book.find(message)] == []

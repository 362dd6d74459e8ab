"""Slots: the same thing throughout a pair, another one each epoch, some kept out of training."""

import pytest

from chatbot.config import CorpusConfig
from chatbot.corpus.pair_table import read_pairs, write_pairs
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import DialoguePair, SlotLists
from chatbot.corpus.slots import fill_in, filled, things_of
from chatbot.errors import CorpusError

NAMES = SlotLists(
    "slots.yml",
    {
        "pet_name": tuple(f"Rocky{number}" for number in range(200)),
        "person": ("Ann", "Bob"),
    },
)
PAIR = DialoguePair(("My dog is called {pet_name}",), "{pet_name}! How old is he?", "x:1", NAMES)
CORPUS = """
slots: slots.yml
situations:
- says: ["I like {food}", "{food} is what I like"]
  replies: ["Why {food}?", "{food} it is."]
conversations:
- ["hi", "hello", "I had {food}", "Was the {food} good?"]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "talk.yml").write_text(CORPUS)
    foods = ", ".join(f"dish{number}" for number in range(400))
    (tmp_path / "slots.yml").write_text(f"slots: {{food: [{foods}]}}\n")
    return tmp_path


def test_a_pair_holds_one_thing_throughout():
    (pair,) = filled([PAIR], seed=1)
    name = pair.history[0].removeprefix("My dog is called ")
    assert pair.reply == f"{name}! How old is he?"
    assert pair.slots is None


def test_copies_of_a_pair_draw_for_themselves_and_a_seed_repeats_it_all():
    first, again, other = (filled([PAIR] * 50, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({pair.reply for pair in first}) > 30


def test_two_slots_of_a_kind_never_hold_the_same_thing():
    pair = DialoguePair(("{person} met {person_2}",), "Both!", "x:1", NAMES)
    met = {filled([pair], seed)[0].history[0] for seed in range(20)}
    assert met == {"Ann met Bob", "Bob met Ann"}


def test_what_is_kept_out_of_training_is_never_learned():
    learned, kept = (set(things_of(NAMES, "pet_name", held)) for held in (False, True))
    assert learned | kept == set(NAMES.things["pet_name"])
    assert not learned & kept
    assert 0.05 < len(kept) / 200 < 0.15
    said = {pair.reply.partition("!")[0] for pair in filled([PAIR] * 500, 0, held_out=True)}
    assert said <= kept


@pytest.mark.parametrize(
    ("text", "thing", "whole"),
    [
        ("I have a {pet}.", "owl", "I have an owl."),
        ("a {pet}", "unicorn", "a unicorn"),
        ("{pet}? A {pet}!", "otter", "Otter? An otter!"),
        ("Oh. {pet} again", "cat", "Oh. Cat again"),
        ("我喜欢{pet}。", "猫", "我喜欢猫。"),
    ],
)
def test_the_sentence_around_a_thing_stays_right(text, thing, whole):
    assert fill_in(text, {"pet": thing}) == whole


def test_a_corpus_names_what_fills_its_slots(folder):
    prepared = prepare_corpus([CorpusSource(folder / "talk.yml")], CorpusConfig())
    assert not any("{" in pair.reply for pair in prepared.validation)
    assert all(pair.slots for pair in prepared.train if "{food}" in pair.reply)
    assert not any(pair.slots for pair in prepared.train if pair.reply == "hello")
    assert prepared.report.sources[0].rejected == {}


def test_a_table_of_pairs_keeps_slots_open_or_fills_them(tmp_path):
    other = SlotLists("slots.yml", {"person": ("Zoe",)})
    plain = DialoguePair(("hi",), "{this} is no slot", "x:2")
    pairs = [PAIR, plain, DialoguePair(("{person}",), "Hi {person}", "x:3", other)]
    write_pairs(tmp_path / "pairs.parquet", {"train": pairs})
    open_, whole = (read_pairs(tmp_path / "pairs.parquet", "train", fill=f) for f in (False, True))
    assert open_ == pairs
    assert open_[0].slots.things == NAMES.things
    assert whole == filled(pairs, seed=0)
    assert whole[1:] == [plain, DialoguePair(("Zoe",), "Hi Zoe", "x:3")]


def test_a_folder_may_hold_the_lists_beside_the_corpus(folder):
    assert len(list(read_conversations(folder))) == 5


def test_braces_in_a_corpus_without_slots_are_text(tmp_path):
    (tmp_path / "talk.yml").write_text('conversations: [["say {food}", "{food}"]]')
    (conversation,) = read_conversations(tmp_path / "talk.yml")
    assert conversation.slots is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda folder: (folder / "slots.yml").unlink(), "slots.yml"),
        (lambda folder: (folder / "slots.yml").write_text("slots: 3"), "lists no slots"),
        (lambda folder: (folder / "slots.yml").write_text("slots: {food: []}"), "holds nothing"),
        (lambda folder: (folder / "slots.yml").write_text("slots: {pet: [cat]}"), "nothing fills"),
        (
            lambda folder: (folder / "talk.yml").write_text(
                CORPUS.replace("slots.yml", "../../etc/passwd")
            ),
            "same folder",
        ),
    ],
)
def test_a_slot_that_cannot_be_filled_is_told_in_a_line(folder, change, reason):
    change(folder)
    with pytest.raises(CorpusError, match=reason) as told:
        list(read_conversations(folder / "talk.yml"))
    assert "\n" not in str(told.value)

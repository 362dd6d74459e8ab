"""Any corpus as neutral JSONL, and back."""

from collections import Counter

import pytest

from chatbot.config import CorpusConfig
from chatbot.corpus.convert import convert
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.slots import things_of
from chatbot.errors import CorpusError

CONTEXT = """
speakers: [person, bot]
reply_speaker: bot
gists: {sad: [Oh no.], hungry: [Then eat!]}
conversations:
- [hi, Hello!, {says: I am sad, gist: sad}, Why?]
messages:
  hungry: [food, [a burger, Big?, no]]
"""


def contents(path):
    return [
        (c.turns, c.speakers, c.reply_speaker, c.context_only) for c in read_conversations(path)
    ]


def kept_pairs(path):
    prepared = prepare_corpus([CorpusSource(path)], CorpusConfig(without_history=0))
    return Counter((p.history, p.reply) for p in (*prepared.train, *prepared.validation))


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_reading_what_was_converted_gives_the_same(tmp_path, name):
    source = tmp_path / "in.yml"
    text = (
        "speakers: [person, bot]\nreply_speaker: bot\nconversations:\n- [你好, Hi!, 'a\"b']\n"
        "situations:\n- says: [hi, hey]\n  replies: [Hello!, Yo.]\n"
    )
    source.write_text(text, encoding="utf-8")
    out = tmp_path / name
    assert convert(source, out) == 5
    assert contents(out) == contents(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.yml", name])


def test_what_was_said_and_is_not_learned_stays_so(tmp_path):
    (tmp_path / "in.yml").write_text(CONTEXT)
    convert(tmp_path / "in.yml", tmp_path / "out.jsonl")
    assert contents(tmp_path / "out.jsonl") == contents(tmp_path / "in.yml")
    assert kept_pairs(tmp_path / "out.jsonl") == kept_pairs(tmp_path / "in.yml")


def test_slots_are_filled_with_what_may_be_learned_the_same_throughout_a_conversation(tmp_path):
    foods = [f"dish{number}" for number in range(100)]
    (tmp_path / "slots.yml").write_text(f"slots: {{food: [{', '.join(foods)}]}}")
    says = ", ".join(f'"I want {{food}} {number}"' for number in range(200))
    (tmp_path / "in.yml").write_text(
        f'slots: slots.yml\nsituations:\n- says: [{says}]\n  replies: ["{{food}} then"]\n'
    )
    for name in ("out.jsonl", "again.jsonl"):
        convert(tmp_path / "in.yml", tmp_path / name)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "again.jsonl").read_bytes()
    talks = [(turns[0].split()[2], turns[1]) for turns, *_ in contents(tmp_path / "out.jsonl")]
    assert all(reply == f"{food.capitalize()} then" for food, reply in talks)
    (lists,) = {c.slots for c in read_conversations(tmp_path / "in.yml")}
    drawn = {food for food, _ in talks}
    assert len(drawn) > 50
    assert drawn <= set(things_of(lists, "food", held_out=False))
    assert kept_pairs(tmp_path / "out.jsonl").total() == 200


def test_conversations_that_shared_an_id_share_one_afterwards(tmp_path):
    source = tmp_path / "in.yml"
    source.write_text("situations:\n- says: [hi, hey]\n  replies: [Hello!, Yo.]\n")
    convert(source, tmp_path / "out.jsonl")
    ids = [conversation.id for conversation in read_conversations(tmp_path / "out.jsonl")]
    assert ids == [f"out.jsonl:in.yml:1.{wording}" for wording in (1, 1, 2, 2)]


def test_a_lone_surrogate_is_left_out(tmp_path):
    (tmp_path / "in.jsonl").write_text(r'{"turns": ["a\ud83d", "b"]}')
    convert(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert contents(tmp_path / "out.jsonl") == [(("a", "b"), (), None, frozenset())]


def test_the_same_corpus_gives_the_same_bytes(tmp_path):
    (tmp_path / "in.txt").write_text("Hi!\nHello.\n")
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        convert(tmp_path / "in.txt", tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_an_error_leaves_the_old_file_as_it_was(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"turns": ["a", "b"]}\n{"tu')
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    with pytest.raises(CorpusError, match="line 2"):
        convert(tmp_path / "in.jsonl", out)
    assert out.read_text() == "old"
    assert not list(tmp_path.glob("*.part"))


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "in.txt").write_text("Hi!\nHello.\n")
    with pytest.raises(CorpusError, match="Cannot write"):
        convert(tmp_path / "in.txt", tmp_path / "nowhere" / "out.jsonl")


def test_the_result_may_not_lie_inside_the_folder_that_is_read(tmp_path):
    (tmp_path / "in.txt").write_text("Hi!\nHello.\n")
    with pytest.raises(CorpusError, match="lies inside"):
        convert(tmp_path, tmp_path / "out.jsonl")

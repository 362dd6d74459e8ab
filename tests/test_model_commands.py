"""`python -m chatbot models ...`: the same as the page does with models, on the terminal."""

import json

import pytest

from chatbot.bundle import edit_bundle
from chatbot.cli import main
from chatbot.files import sha256_of
from chatbot.text.facts import Fact


def told(capsys, *words):
    assert main(["models", *words]) == 0
    return capsys.readouterr().out


def test_a_model_is_renamed_packed_unpacked_and_made_the_default(home, capsys, tmp_path):
    assert told(capsys, "rename", "tiny", "pip") == "tiny is now pip.\n"
    assert str(tmp_path / "pip.zip") in told(capsys, "pack", "pip", str(tmp_path / "pip.zip"))
    assert "twin is here now" in told(capsys, "unpack", str(tmp_path / "pip.zip"), "--name", "twin")
    assert "begins with twin" in told(capsys, "default", "twin")
    listed = json.loads(told(capsys, "list", "--json"))
    assert [model["name"] for model in listed["models"]] == ["pip", "twin"]
    assert listed["default"] == "twin"
    assert "*twin" in told(capsys, "list")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["rename", "tiny", "../up"], "cannot name a model"),
        (["rename", "nobody", "new"], "no model 'nobody'"),
        (["pack", "nobody", "x.zip"], "no model 'nobody'"),
        (["pack", "tiny", "/nowhere/x.zip"], "Cannot write"),
        (["unpack", "nowhere.zip"], "no file nowhere.zip"),
        (["unpack", "nowhere.zip", "--name", "tiny"], "already"),
        (["default", "nobody"], "no model 'nobody'"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(home, capsys, words, why):
    assert main(["models", *words]) == 2
    said = capsys.readouterr()
    assert why in said.err
    assert said.err.count("\n") == 1


def test_verifying_looks_past_the_facts_that_were_added_since(home, capsys, tiny_bot):
    path = home / "saved_models" / "tiny"
    replies = {"Hello!": tiny_bot.reply("Hello!").text}
    (path / "replies.json").write_text(json.dumps(replies))
    sums = json.loads((path / "manifest.json").read_text())
    sums["replies.json"] = sha256_of(path / "replies.json")
    (path / "manifest.json").write_text(json.dumps(sums))
    edit_bundle("tiny", facts=[Fact(("hello",), "Hi, I'm Pip.")])
    assert "tiny holds" in told(capsys, "verify", "tiny")

"""Five corrections and one retraining: what was corrected is said, and the rest stays as good."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sacrebleu
import yaml

from chatbot import Chatbot
from chatbot.config import changed

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]  # about three minutes
CORRECTIONS = {
    "What is your favorite color?": "Green, like the first leaves in spring.",
    "do you like music": "I cannot hear it, but I love reading lyrics.",
    "Who made you?": "A small team in Prague wrote me last winter.",
    "I'm bored": "Let's play a word game: name a city that starts with B.",
    "Tell me a joke": "Why is six afraid of seven? Because seven ate nine.",
}


@pytest.fixture(scope="module")
def bots(tmp_path_factory):
    """The shipped bot, and the one that was taught as the page teaches it."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "saved_models" / "english", home / "saved_models" / "english")
    file = home / "corrections.jsonl"
    file.write_text("".join(f"{json.dumps(_record(*one))}\n" for one in CORRECTIONS.items()))
    command = [sys.executable, "-m", "chatbot", "train", str(file), "--name", "taught"]
    command += ["--from", "english", "--minutes", "10", "--set", "training.corrections=true"]
    environment = {**os.environ, "CHATBOT_HOME": str(home)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [Chatbot.load(home / "saved_models" / name) for name in ("english", "taught")]


def _record(message, better):
    turns = [("user", message), ("assistant", better)]
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


@pytest.mark.parametrize("strategy", ["greedy", "beam"])
def test_every_corrected_message_gets_its_corrected_answer(bots, strategy):
    _, taught = bots
    decoding = changed(taught.decoding, strategy=strategy)
    replies = {message: taught.reply(message, decoding).text for message in CORRECTIONS}
    assert replies == CORRECTIONS


def test_at_least_95_of_100_other_probes_score_no_worse(bots):
    """A reply's score is its chrF against what the corpus answers to that message (the best)."""
    probes = _probes()
    before, after = ([r.text for r in bot.reply_batch(list(probes))] for bot in bots)
    worse = [
        (message, one, other)
        for message, one, other in zip(probes, before, after, strict=True)
        if _score(other, probes[message]) < _score(one, probes[message])
    ]
    assert len(worse) <= 5, worse


def _probes():
    """Returns a wording each of 100 situations that no correction is about, and their replies."""
    text = (ROOT / "corpora" / "small-talk.en.yml").read_text(encoding="utf-8")
    situations = yaml.safe_load(text)["situations"]
    about = ("colo", "music", "made you", "bored", "joke")
    others = [s for s in situations if not any(word in str(s["says"]).lower() for word in about)]
    chosen = random.Random(0).sample(others, 100)
    return {situation["says"][-1]: situation["replies"] for situation in chosen}


def _score(reply, references):
    return sacrebleu.sentence_chrf(reply, references).score

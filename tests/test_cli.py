"""The command line: one clear line for a mistake, JSON alone under --json, 130 after Ctrl-C."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chatbot.bundle import edit_bundle, read_tones
from chatbot.cli import main
from chatbot.config import EOS_ID
from chatbot.text.tones import Tones
from tests.training.conftest import ONE_SHAPE, QUICK

ROOT = Path(__file__).parent.parent
SMALL = [
    *QUICK,
    *ONE_SHAPE,
    "model.embedding_units=12",
    "model.encoder_units=8",
    "model.decoder_units=16",
    "tokenizer.vocab_size=320",
    "training.batch_size=4",
    "training.checkpoint_seconds=0",
    "training.precision=float32",
]
SETTINGS = [part for setting in SMALL for part in ("--set", setting)]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "talk.tsv"
    lines = [f"is {a} like {b}?\tno, {a} is {a}" for a in "abcdefg" for b in "hijklmn"]
    path.write_text("question\tanswer\n" + "\n".join(lines))
    return path


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "chatbot", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def weights(folder):
    with np.load(folder / "checkpoint.npz") as archive:
        return {name: archive[name] for name in archive.files if name != "facts"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["reply", "nobody", "Hi"], "There is no model 'nobody'"),
        (["reply", "tiny", "Hi", "--strategy", "magic"], "'greedy', 'beam' or 'sampling'"),
        (["reply", "tiny", "Hi", "--set", "decoding.beam=2"], "Did you mean 'beam_size'?"),
        (["reply", "tiny", "Hi", "--set", "model.dropout=0"], "decoding settings only"),
        (["reply", "tiny", ""], "empty"),
        (["reply", "tiny", "x" * 5000], "Shorten it"),
        (["train", "nowhere.csv", "--name", "a"], "nowhere.csv"),
        (["train", "--name", "a"], "Name a corpus"),
        (["train", "x.csv"], "--name my-bot"),
        (["train", "x.csv", "--name", "../a"], "cannot name a model"),
        (["train", "x.csv", "--name", "tiny"], "exists already"),
        (["train", "--name", "new", "--resume"], "no training named 'new'"),
        (["train", "--name", "new", "--resume", "--steps", "3"], "keeps its corpus and settings"),
        (["train", "x.csv", "--name", "nul"], "cannot name a model"),
        (
            ["train", "x", "--name", "a", "--steps", "5", "--epochs", "1"],
            "one of steps, epochs and",
        ),
        (["train", "x", "--name", "a", "--set", "model.units=3"], "Unknown setting"),
        (["train", "x", "--name", "a", "--config", "none.yml"], "none.yml"),
        (["evaluate", "tiny"], "Name a corpus"),
        (["models", "show", "nobody"], "There is no model 'nobody'"),
        (["models", "remove", "nobody", "--yes"], "There is no model 'nobody'"),
        (["corpus", "inspect", "nowhere"], "nowhere"),
        (["dance"], "No such command 'dance'"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(home, capsys, arguments, words):
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert len(told.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("binary.csv", bytes(range(256)) * 40),
        ("one-column.csv", b"hello\nyou\nthere\n"),
        ("torn.json", b'[{"turns": ["a", "b"'),
        ("torn.csv.gz", b"\x1f\x8b\x08\x00torn"),
    ],
)
@pytest.mark.parametrize("verb", ["inspect", "convert"])
def test_a_corpus_that_cannot_be_read_is_one_line_and_status_2(
    tmp_path, capsys, name, content, verb
):
    path = tmp_path / name
    path.write_bytes(content)
    out = [str(tmp_path / "out.jsonl")] if verb == "convert" else []
    assert main(["corpus", verb, str(path), *out]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert name in told[0]
    assert not (tmp_path / "out.jsonl").exists()


def test_reply_prints_the_reply(home, capsys):
    assert main(["reply", "tiny", "Hello!"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_json_prints_one_object_and_nothing_else(home, capsys):
    assert main(["reply", "tiny", "Hello!", "--json", "--strategy", "beam", "--n-best", "3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"text", "confidence", "alternatives", "fact"}
    assert len(found["alternatives"]) == 3


def test_lines_of_standard_input_get_one_line_each(home, capsys, monkeypatch):
    lines = 'Hello!\n["Hi", "Hello, how are you?", "Fine."]\n\nWhat is your name?\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    assert main(["reply", "tiny"]) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 4
    assert told.out.splitlines()[2] == ""
    assert "empty" in told.err


def test_models_are_listed_shown_and_removed(home, tiny_bundle, capsys, monkeypatch, tmp_path):
    import shutil

    shutil.copytree(tiny_bundle, tmp_path / "saved_models" / "gone")
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    assert main(["models", "list", "--json"]) == 0
    assert [m["name"] for m in json.loads(capsys.readouterr().out)["models"]] == ["gone"]
    assert main(["models", "show", "gone"]) == 0
    assert capsys.readouterr().out.startswith("# tiny")
    assert main(["models", "verify", "gone"]) == 0
    assert main(["models", "remove", "gone", "--yes"]) == 0
    assert not (tmp_path / "saved_models" / "gone").exists()


def test_the_whole_way_from_a_corpus_to_a_reply(own_home, corpus, capsys):
    trained = run("train", corpus, "--name", "colours", "--steps", "30", *SETTINGS)
    assert trained.returncode == 0, trained.stderr
    assert "about" in trained.stdout  # the estimate
    assert "perplexity" in trained.stdout
    assert "python -m chatbot chat colours" in trained.stdout
    listed = json.loads((own_home / "saved_models/colours/shortlist.json").read_text())
    assert EOS_ID in listed["token_ids"]
    assert main(["reply", "colours", "is a like h?"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main(["evaluate", "colours", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["models"]["colours"]
    assert scores["perplexity_per_word"] > 1
    assert main(["models", "show", "colours"]) == 0
    assert f"train {corpus} --name colours --steps 30" in capsys.readouterr().out
    tones = Tones(("no, a is a",), ("no, b is b",))
    edit_bundle("colours", tones=tones)
    arguments = ["--name", "tuned", "--from", "colours", "--steps", "3"]
    assert main(["train", str(corpus), *arguments]) == 0
    parts = [own_home / "saved_models" / name / "tokenizer.model" for name in ("colours", "tuned")]
    assert parts[0].read_bytes() == parts[1].read_bytes()
    assert (own_home / "saved_models" / "tuned" / "shortlist.json").is_file()
    assert read_tones(own_home / "saved_models" / "tuned") == tones


def test_any_bytes_on_standard_input_get_a_line_each(home):
    command = [sys.executable, "-m", "chatbot", "reply", "tiny"]
    lines = b"\xff\xfe\n" + b"[" * 100_000 + b"\nHello!\n"
    done = subprocess.run(command, cwd=ROOT, input=lines, capture_output=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    assert b"Traceback" not in done.stderr


def started(folder, steps):
    """Waits until a training in `folder` has saved a checkpoint after so many steps."""
    for _ in range(600):
        events = folder / "events.jsonl"
        if events.exists():
            whole_lines = events.read_text().rpartition("\n")[0].splitlines()
            told = [json.loads(line) for line in whole_lines]
            if any(e["event"] == "checkpoint" and e["step"] >= steps for e in told):
                return
        time.sleep(0.1)
    pytest.fail("the training saved no checkpoint within a minute")


@pytest.mark.soak  # tests/training/test_trainer.py interrupts a training of its own process
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_and_kill_lose_nothing(own_home, corpus):
    """A run broken by Ctrl-C, then by kill -9, ends in the weights of the run left alone."""
    train = ["train", str(corpus), "--steps", "60", *SETTINGS, "--name"]
    assert main([*train, "whole"]) == 0
    command = [sys.executable, "-m", "chatbot", *train, "broken"]
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    started(own_home / "runs" / "broken", steps=3)
    first.send_signal(signal.SIGINT)
    told, _ = first.communicate(timeout=60)
    assert first.returncode == 130
    assert "--name broken --resume" in told
    resume = [sys.executable, "-m", "chatbot", "train", "--name", "broken", "--resume"]
    second = subprocess.Popen(resume, cwd=ROOT, stdout=subprocess.DEVNULL)
    before = json.loads((own_home / "runs/broken/events.jsonl").read_text().splitlines()[-1])
    started(own_home / "runs" / "broken", steps=before["step"] + 3)
    second.kill()
    second.wait()
    assert main(["train", "--name", "broken", "--resume"]) == 0
    whole, broken = (weights(own_home / "runs" / name) for name in ("whole", "broken"))
    for name, array in whole.items():
        np.testing.assert_array_equal(broken[name], array)

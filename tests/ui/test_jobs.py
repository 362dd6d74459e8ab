"""Trainings as processes: one at a time, told from files, outliving whoever watches."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatbot.errors import TrainingError
from chatbot.ui.jobs import Jobs, TrainRequest
from tests.ui.fake_trainer import hollow_bundle

FAKE = (sys.executable, str(Path(__file__).with_name("fake_trainer.py")))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty CHATBOT_HOME; what is left running in it is ended."""
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    yield tmp_path
    for note in tmp_path.glob("runs/*/sitting.json"):
        try:
            os.killpg(json.loads(note.read_text())["pid"], signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_until(lambda: Jobs().current() is None)


@pytest.fixture
def corpus(folder):
    path = folder / "talk.txt"
    path.write_text("Hello!\nHi!\n")
    return str(path)


@pytest.fixture
def jobs(folder):
    return Jobs(FAKE)


@pytest.fixture
def ask(corpus):
    """Makes a request to the fake trainer."""

    def asked(name="bot", **fake):
        settings = tuple(f"fake.{key}={value}" for key, value in fake.items())
        return TrainRequest(name, (corpus,), settings=settings)

    return asked


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def wait_for(jobs, name, *stages):
    wait_until(lambda: jobs.view(name).stage in stages)
    return jobs.view(name)


def test_a_training_runs_and_its_model_is_there(jobs, ask, folder):
    jobs.start(ask())
    assert jobs.current() == "bot"
    view = wait_for(jobs, "bot", "done")
    assert [event["event"] for event in view.events][-3:] == ["done", "saving", "saved"]
    assert (folder / "saved_models" / "bot" / "manifest.json").is_file()
    assert jobs.current() is None
    assert jobs.names() == ["bot"]
    assert not view.resumable


def test_a_view_comes_from_files_alone_so_another_page_sees_and_stops_it(jobs, ask):
    jobs.start(ask(steps=2000))
    other = Jobs(FAKE)
    assert other.current() == "bot"
    wait_for(other, "bot", "running")
    other.stop("bot")
    view = wait_for(other, "bot", "done")
    assert view.last("done")["reason"] == "stopped early"
    assert view.resumable


def test_two_trainings_at_once_are_refused_in_one_line_even_from_eight_threads(jobs, ask, folder):
    barrier = threading.Barrier(8)

    def start(number):
        barrier.wait()
        try:
            Jobs(FAKE).start(ask(f"bot{number}", steps=2000))
        except TrainingError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(8) as pool:
        lines = [line for line in pool.map(start, range(8)) if line is not None]
    assert len(lines) == 7
    assert all("is running" in line and "\n" not in line for line in lines)
    assert len(list(folder.glob("runs/*/sitting.json"))) == 1


def test_a_training_in_a_terminal_counts_as_well(jobs, ask, folder, corpus):
    command = [*FAKE, "train", "--name", "own", "--set", "fake.steps=2000", corpus]
    (folder / "runs" / "own").mkdir(parents=True)
    with subprocess.Popen(command, start_new_session=True) as process:
        wait_until(lambda: jobs.current() == "own")
        with pytest.raises(TrainingError, match="'own' is running"):
            jobs.start(ask())
        jobs.stop("own")
        assert process.wait(20) == 0
    wait_for(jobs, "own", "done")


def test_a_training_outlives_the_page_that_started_it(folder, ask, corpus):
    page = f"""
import os, signal
from chatbot.ui.jobs import Jobs, TrainRequest
Jobs({FAKE!r}).start(TrainRequest("bot", ({corpus!r},), settings=("fake.steps=60",)))
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", page], check=False)
    assert killed.returncode == -signal.SIGKILL
    jobs = Jobs(FAKE)
    assert jobs.current() == "bot"
    with pytest.raises(TrainingError, match="'bot' is running"):
        jobs.start(ask("second"))
    wait_for(jobs, "bot", "done")


def test_a_killed_training_says_so_and_goes_on_where_it_was(jobs, ask):
    jobs.start(ask(crash=1))
    view = wait_for(jobs, "bot", "failed")
    assert (view.cause, view.resumable) == ("killed", True)
    assert Jobs(FAKE).view("bot").cause == "died"  # a page that did not start it cannot know more
    assert jobs.resumable() == ["bot"]
    jobs.start(TrainRequest("bot", resume=True))
    view = wait_for(jobs, "bot", "done")
    steps = [event["step"] for event in view.events if event["event"] == "progress"]
    assert steps == list(range(1, 21))


def test_a_training_that_ends_without_a_word_has_not_succeeded(jobs, ask):
    jobs.start(ask(silent=1))
    assert wait_for(jobs, "bot", "failed").cause == "died"


def test_a_full_disk_is_named(jobs, ask, monkeypatch):
    jobs.start(ask(silent=1))
    wait_for(jobs, "bot", "failed")
    monkeypatch.setattr("chatbot.ui.jobs._FULL_DISK", 2**62)
    assert jobs.view("bot").cause == "disk"


def test_the_reason_that_a_training_gives_is_passed_on(jobs, ask):
    jobs.start(ask(fail="The loss is no number any more."))
    view = wait_for(jobs, "bot", "failed")
    assert (view.reason, view.cause) == ("The loss is no number any more.", "told")
    assert view.resumable


def test_a_bad_corpus_is_told_from_the_log_and_the_name_stays_free(jobs, folder, ask, corpus):
    Path(corpus).write_text("")
    jobs.start(ask())
    view = wait_for(jobs, "bot", "failed")
    assert view.reason == "talk.txt is empty. Write something into it."
    assert not view.resumable
    Path(corpus).write_text("Hello!\nHi!\n")
    jobs.start(ask())
    wait_for(jobs, "bot", "done")


def test_one_that_has_not_begun_to_learn_is_stopped_at_once(jobs, ask):
    jobs.start(ask(reading=60))
    jobs.stop("bot")
    assert wait_for(jobs, "bot", "stopped").resumable is False
    jobs.start(ask(steps=3))
    wait_for(jobs, "bot", "done")


def test_an_old_wish_to_stop_does_not_stop_the_next_sitting(jobs, ask):
    jobs.start(ask(steps=400))
    wait_for(jobs, "bot", "running")
    jobs.stop("bot")
    assert wait_for(jobs, "bot", "done").resumable
    jobs.start(TrainRequest("bot", resume=True))
    view = wait_for(jobs, "bot", "done")
    assert view.last("done")["reason"] == "all steps"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a" * 65, "a b", "é", "x\n", "con"])
def test_a_bad_name_is_refused_in_one_line(jobs, ask, folder, name):
    with pytest.raises(TrainingError, match="cannot name a model") as refused:
        jobs.start(ask(name))
    assert "\n" not in str(refused.value)
    assert list(folder.glob("runs/*/")) == []


def test_a_name_is_taken_by_a_training_or_a_model(jobs, ask, folder):
    hollow_bundle(folder / "saved_models" / "mine")
    with pytest.raises(TrainingError, match="a model named 'mine' already"):
        jobs.start(ask("mine"))
    jobs.start(ask())
    wait_for(jobs, "bot", "done")
    with pytest.raises(TrainingError, match="a training named 'bot' already"):
        jobs.start(ask())
    jobs.check_name("other")


def test_only_what_was_started_is_continued(jobs, folder):
    with pytest.raises(TrainingError, match="no training 'bot' to continue"):
        jobs.start(TrainRequest("bot", resume=True))
    assert not (folder / "runs" / "bot").exists()


def test_a_disk_that_takes_nothing_is_a_line(jobs, ask, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("chatbot.ui.processes.launch", full)
    with pytest.raises(TrainingError, match="No space left on device"):
        jobs.start(ask())
    assert jobs.current() is None


def test_a_training_is_thrown_away_unless_it_runs(jobs, ask, folder):
    jobs.start(ask(steps=2000))
    with pytest.raises(TrainingError, match="Stop it first"):
        jobs.remove("bot")
    wait_for(jobs, "bot", "running")
    jobs.stop("bot")
    wait_for(jobs, "bot", "done")
    jobs.remove("bot")
    assert jobs.names() == []


def test_an_estimate_starts_nothing_and_passes_on_what_is_wrong(jobs, ask, folder):
    assert jobs.estimate(ask())["pairs"] == 120
    with pytest.raises(TrainingError, match=r"^It is empty\.$"):
        jobs.estimate(ask(fail="It is empty."))
    with pytest.raises(TrainingError, match="cannot be worked out"):
        Jobs((sys.executable, "-c", "raise SystemExit(1)")).estimate(ask())
    assert jobs.names() == []


def test_torn_lines_foreign_lines_and_a_new_file_do_not_confuse_a_view(jobs, folder):
    run = folder / "runs" / "bot"
    run.mkdir(parents=True)
    events = run / "events.jsonl"
    events.write_bytes(b'{"event": "started", "step": 0}\nnonsense\n[1]\n{"event": "prog')
    assert [e["event"] for e in jobs.view("bot").events] == ["started"]
    with events.open("ab") as file:
        file.write(b'ress", "step": 1}\n')
    assert jobs.view("bot").last("progress") == {"event": "progress", "step": 1}
    events.unlink()
    assert jobs.view("bot").events == []


def test_a_long_training_is_thinned_and_read_on_cheaply(jobs, folder):
    run = folder / "runs" / "bot"
    run.mkdir(parents=True)
    lines = [json.dumps({"event": "progress", "step": step}) for step in range(50_000)]
    (run / "events.jsonl").write_text("\n".join(lines) + "\n")
    view = jobs.view("bot")
    steps = [event["step"] for event in view.events]
    assert len(steps) <= 600
    assert (steps[0], steps[-1]) == (0, 49_999)
    started = time.perf_counter()
    for _ in range(100):
        jobs.view("bot")
    assert time.perf_counter() - started < 2


@pytest.mark.soak  # for real; the owner's story does so in a browser as well
def test_the_real_program_trains_and_can_be_ended_early(folder):
    corpus = folder / "talk.txt"
    corpus.write_text("".join(f"Say {n}\nI say {n} to you\n\n" for n in range(60)))
    small = ("model.embedding_units=16", "model.encoder_units=16", "model.decoder_units=32")
    settings = (*small, "tokenizer.vocab_size=320", "training.validate_every=20")
    jobs = Jobs()
    request = TrainRequest("real", (str(corpus),), minutes=5, settings=settings)
    assert jobs.estimate(request)["pairs"] > 0
    jobs.start(request)
    wait_until(lambda: jobs.view("real").last("validation") is not None, 120)
    jobs.stop("real")
    wait_until(lambda: not jobs.view("real").active, 120)
    view = jobs.view("real")
    assert (view.stage, view.reason) == ("done", "")
    assert (folder / "saved_models" / "real" / "manifest.json").is_file()

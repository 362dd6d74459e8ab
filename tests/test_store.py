"""The records, on SQLite and on a real PostgreSQL: nothing lost, errors in one line, one export."""

import json
import sqlite3
import stat
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatbot.corpus.pairs import extract_pairs
from chatbot.corpus.readers import read_conversations
from chatbot.errors import ConfigError, StoreError
from chatbot.store import MAX_CHARACTERS, MAX_TURNS, RatingCount, Store, VoteCount
from tests import postgres

ROOT = Path(__file__).parent.parent
WRITERS = 32


@pytest.fixture(scope="session")
def postgres_url():
    if reason := postgres.missing():
        pytest.skip(reason)
    pytest.importorskip("psycopg")
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url):
    """An empty database on the server."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres_url}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgres_url}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.db'}"
    return request.getfixturevalue("postgres_database")


@pytest.fixture
def store(url):
    opened = Store.open(url)
    yield opened
    opened.close()


def one_line(error):
    message = str(error.value)
    assert "\n" not in message
    return message


# --- what is kept -----------------------------------------------------------------------------


def test_a_correction_waits_is_edited_accepted_and_used(store):
    first = store.add_correction("english", ["Hi", "Oh.", "Who are you?"], "A tree.", "A bot.")
    second = store.add_correction("english", ["Bye"], "No.", "See you!")
    assert [c.id for c in store.corrections("waiting")] == [first, second]
    store.review(first, "accepted", "I am a bot.")
    store.review(second, "rejected")
    (kept,) = store.corrections("accepted")
    assert kept.history == ("Hi", "Oh.", "Who are you?")
    assert (kept.model, kept.reply, kept.better) == ("english", "A tree.", "I am a bot.")
    assert store.mark_used([first], "english-2") == 1
    assert store.correction(first).used_by == "english-2"
    assert store.correction_counts() == {"waiting": 0, "accepted": 0, "rejected": 1, "used": 1}
    store.review(first, "accepted")
    assert store.correction(first).used_by == ""
    assert store.correction(first).better == "I am a bot."


def test_the_oldest_corrections_come_first_and_no_more_than_asked_for(store):
    ids = [store.add_correction("m", ["q"], "a", f"b{number}") for number in range(3)]
    assert [c.id for c in store.corrections(limit=2)] == ids[:2]


def test_no_more_corrections_wait_than_anybody_could_review(store, monkeypatch):
    monkeypatch.setattr("chatbot.store.MAX_WAITING", 2)
    first, _ = (store.add_correction("bot", ["hi"], "what?", better) for better in ("a", "b"))
    with pytest.raises(StoreError, match="wait for review already"):
        store.add_correction("bot", ["hi"], "what?", "c")
    store.review(first, "rejected")
    store.add_correction("bot", ["hi"], "what?", "d")
    assert [correction.better for correction in store.corrections("waiting")] == ["b", "d"]


def test_a_review_of_nothing_says_so(store):
    with pytest.raises(StoreError, match="no correction 5"):
        store.review(5, "accepted")
    with pytest.raises(StoreError, match="no correction 5"):
        store.correction(5)


def test_many_corrections_are_marked_at_once(store):
    ids = [store.add_correction("m", ["q"], "a", "b") for _ in range(3)]
    assert store.mark_used([*ids, *range(10_000, 11_200)], "m-2") == 3


def test_ratings_are_counted_by_model(store):
    for good in (True, True, False):
        store.add_rating("english", ["Hi"], "Hello.", good)
    store.add_rating("chinese", ["你好"], "你好！", True)
    assert store.ratings() == [RatingCount("chinese", 1, 0), RatingCount("english", 2, 1)]


def test_votes_are_counted_by_pair_whichever_stood_left(store):
    store.add_vote("a", "b", ["Hi"], "x", "y", "first")
    store.add_vote("b", "a", ["Hi"], "y", "x", "first")
    store.add_vote("b", "a", ["Hi"], "y", "x", "second")
    store.add_vote("a", "b", ["Hi"], "x", "y", "equal")
    store.add_vote("a", "c", ["Hi"], "x", "z", "second")
    assert store.votes() == [VoteCount("a", "b", 2, 1, 1), VoteCount("a", "c", 0, 0, 1)]


def test_a_visitor_counts_once_and_is_not_named(store, tmp_path, monkeypatch):
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    for session in ("one-secret", "two", "one-secret"):
        store.add_visit(session)
    assert store.visitors(60) == 2
    now += 120
    store.add_visit("two")
    assert store.visitors(60) == 1
    assert store.visitors(600) == 2
    for file in tmp_path.glob("records.db*"):
        assert b"one-secret" not in file.read_bytes()
    now += 100 * 24 * 3600
    store.add_visit("three")
    assert store.visitors(10**9) == 1


def test_hostile_and_endless_texts_are_kept_in_bounds(store):
    history = [f"turn {number} \0\ud800" for number in range(100)]
    number = store.add_correction("x" * 999, history, "r\0" * 9999, "'; DROP TABLE votes; -- 好")
    kept = store.correction(number)
    assert len(kept.model) == 100
    assert len(kept.history) == MAX_TURNS
    assert kept.history[-1] == "turn 99 ?"
    assert len(kept.reply) <= MAX_CHARACTERS
    assert "\0" not in kept.reply
    assert kept.better == "'; DROP TABLE votes; -- 好"
    assert store.votes() == []


def test_records_last_and_a_second_store_sees_them(url, store):
    number = store.add_correction("m", ["q"], "a", "b")
    other = Store.open(url)
    assert other.correction(number).better == "b"
    assert store.correction(number).created == other.correction(number).created
    other.close()


# --- many at once -----------------------------------------------------------------------------


def test_32_threads_lose_nothing(store):
    def write(writer):
        for turn in range(8):
            store.add_rating(f"model-{writer}", ["q"], "a", turn % 2 == 0)
            store.add_visit(f"{writer}")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    assert store.visitors(60) == WRITERS
    assert [(count.good, count.bad) for count in store.ratings()] == [(4, 4)] * WRITERS


WRITE = """
import sys, threading
from chatbot.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
def write(thread):
    for turn in range(10):
        store.add_correction(f"{sys.argv[2]}-{thread}", ["q", "a", "q"], "a", f"better {turn}")
threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
"""


def test_32_writers_in_four_processes_begin_an_empty_database_and_lose_nothing(url, store):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, url, str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # all at once, when all have begun
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [(writer.communicate(timeout=120), writer.returncode)[1] for writer in writers] == [
        0
    ] * 4
    kept = [(c.model, c.better) for c in store.corrections()]
    assert len(kept) == 4 * 8 * 10
    assert len(set(kept)) == len(kept)


def test_two_who_review_at_once_leave_one_result(store):
    ids = [store.add_correction("m", ["q"], "a", "b") for _ in range(16)]
    together = threading.Barrier(2)

    def review(status):
        together.wait()
        for number in ids:
            store.review(number, status)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(review, ["accepted", "rejected"]))
    counts = store.correction_counts()
    assert counts["accepted"] + counts["rejected"] == len(ids)


# --- export -----------------------------------------------------------------------------------


def test_accepted_corrections_are_exported_as_a_corpus_that_the_readers_read(store, tmp_path):
    texts = {"你好！": "你好，很高兴认识你。", 'Say "x"\nplease': "x\n<b>y</b>", "And?": "waits"}
    ids = [store.add_correction("m", ["Hi", "Oh", q], "bad", a) for q, a in texts.items()]
    store.review(ids[0], "accepted")
    store.review(ids[1], "accepted")
    store.mark_used(ids[1:2], "m-2")
    path = tmp_path / "corrections.jsonl"
    assert store.export("corrections", path) == 2
    read = list(read_conversations(path))
    assert [c.turns[-2:] for c in read] == [*list(texts.items())[:2]]
    assert [c.speakers[-1] for c in read] == ["assistant"] * 2
    assert [c.speakers[0] for c in read] == ["user"] * 2
    assert {c.reply_speaker for c in read} == {"assistant"}


def test_only_the_better_reply_is_learned_and_no_bad_one_of_the_talk_before(store, tmp_path):
    said = ["Hi", "bad 1", "Who?", "bad 2", "Why?"]
    store.review(store.add_correction("m", said, "bad 3", "good 3"), "accepted")
    store.review(store.add_correction("m", said[:1], "bad 1", "good 1"), "accepted")
    path = tmp_path / "corrections.jsonl"
    store.export("corrections", path)
    pairs = list(extract_pairs(read_conversations(path), history_turns=4))
    assert [(pair.history[-1], pair.reply) for pair in pairs] == [
        ("Why?", "good 3"),
        ("Hi", "good 1"),
    ]
    assert pairs[0].history == ("bad 1", "Who?", "bad 2", "Why?")


def test_votes_and_ratings_are_exported_as_jsonl(store, tmp_path):
    store.add_vote("a", "b", ["Hi"], "x", "y", "second")
    store.add_rating("a", ["Hi"], "x", False)
    assert store.export("votes", tmp_path / "votes.jsonl") == 1
    assert store.export("ratings", tmp_path / "ratings.jsonl") == 1
    vote = json.loads((tmp_path / "votes.jsonl").read_text())
    assert (vote["first"], vote["second"], vote["verdict"]) == ("a", "b", "second")
    assert (vote["history"], vote["second_reply"]) == (["Hi"], "y")
    rating = json.loads((tmp_path / "ratings.jsonl").read_text())
    assert (rating["model"], rating["reply"], rating["good"]) == ("a", "x", False)
    assert rating["created"].endswith("+00:00")


def test_an_export_that_cannot_be_written_says_so_and_leaves_the_old_file(store, tmp_path):
    store.add_rating("a", ["Hi"], "x", True)
    with pytest.raises(StoreError, match="Cannot write") as error:
        store.export("ratings", tmp_path / "nowhere" / "ratings.jsonl")
    one_line(error)


# --- where records are kept -------------------------------------------------------------------


def test_the_default_is_a_private_file_at_home_made_at_the_first_use(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path / "new"))
    store = Store.open()
    assert not (tmp_path / "new").exists()
    store.check()
    file = tmp_path / "new" / "records.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    store.close()


def test_a_newer_database_is_left_alone(url, store):
    import sqlalchemy

    from chatbot.database import read_url

    store.check()
    engine = sqlalchemy.create_engine(read_url(url))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE chatbot_version SET version = 99"))
    engine.dispose()
    newer = Store.open(url)
    with pytest.raises(StoreError, match="newer version") as error:
        newer.check()
    assert postgres.PASSWORD not in one_line(error)
    newer.close()


@pytest.mark.parametrize(
    "url", ["records.db", "mysql://me:hush@there/db", "sqlite://", "postgresql://a:hush@b:c/d"]
)
def test_a_url_that_cannot_be_used_is_told_in_one_line(url):
    with pytest.raises(ConfigError, match="postgresql://USER") as error:
        Store.open(url)
    assert "hush" not in one_line(error)


def test_a_missing_driver_is_told_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r'pip install "psycopg\[binary\]"') as error:
        Store.open("postgresql://owner:hush@127.0.0.1/db")
    assert "hush" not in one_line(error)


@pytest.mark.parametrize(
    "place", ["hush-word@127.0.0.1:1/db", "x@127.0.0.1:1/db?password=hush-word"]
)
def test_a_server_that_is_not_there_is_told_without_the_password(place):
    pytest.importorskip("psycopg")
    store = Store.open(f"postgres://owner:{place}")
    with pytest.raises(StoreError, match=r"127.0.0.1/db cannot be used: .*--store") as error:
        store.check()
    assert "hush" not in one_line(error)


def test_a_wrong_password_is_told_without_it(postgres_database):
    store = Store.open(postgres_database.replace(postgres.PASSWORD, "not-right"))
    with pytest.raises(StoreError, match="password authentication failed") as error:
        store.check()
    assert "not-right" not in one_line(error)


def test_a_file_that_holds_something_else_is_left_alone(tmp_path):
    file = tmp_path / "letter.txt"
    file.write_text("Dear Sir, " * 100)
    store = Store.open(f"sqlite:///{file}")
    with pytest.raises(StoreError, match="holds something else") as error:
        store.check()
    one_line(error)
    assert file.read_text() == "Dear Sir, " * 100
    store.close()


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    number = store.add_correction("m", ["q"], "a", "b")
    with store._begin() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")  # as if the disk ended here
    with pytest.raises(StoreError, match="disk is full") as error:
        store.add_correction("m", ["q" * 4000] * 32, "a", "b")
    one_line(error)
    assert store.correction(number).better == "b"
    store.close()


def test_a_file_that_may_not_be_written_can_still_be_read(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    number = store.add_correction("m", ["q"], "a", "b")
    with store._begin() as connection:
        connection.exec_driver_sql("PRAGMA query_only=1")  # root may write any file, so this
    assert store.correction(number).better == "b"
    with pytest.raises(StoreError, match="may not be written") as error:
        store.review(number, "accepted")
    one_line(error)
    store.close()


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("no folder")
    store = Store.open(f"sqlite:///{tmp_path / 'file' / 'records.db'}")
    with pytest.raises(StoreError, match=r"cannot be used: .*--store") as error:
        store.check()
    one_line(error)


def test_importing_it_imports_no_database():
    code = "import sys, chatbot.store; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

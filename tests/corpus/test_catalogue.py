"""Public sets: listed, fetched from a server of our own, trained on by id, named in the card."""

import errno
import gzip
import hashlib
import io
import json
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from chatbot.bundle import CORPUS
from chatbot.cli import main
from chatbot.config import Config
from chatbot.corpus import catalogue, download, fetching, unpacking
from chatbot.corpus.catalogue import public_sets, terms_of
from chatbot.corpus.pair_table import write_pairs
from chatbot.corpus.prepare import CorpusSource, parse_source
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import DialoguePair
from chatbot.corpus.reshaping import reshape
from chatbot.errors import CorpusError
from chatbot.files import fetched_folder, try_lock

TALK = "".join(
    json.dumps({"turns": [f"Do you like number {i}?", f"I like {i} very much."]}) + "\n"
    for i in range(4000)
).encode()


class Shop(ThreadingHTTPServer):
    """A server of files, which can break off, forget ranges, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Counter)
        self.files, self.asked = {}, []
        self.versions = {}
        self.breaks = []  # after how many bytes each of the next answers breaks off
        self.has_ranges = self.tells_version = True

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Counter(BaseHTTPRequestHandler):
    """Serves a Shop's files, whole or from a byte on."""

    def do_GET(self):
        shop, name = self.server, self.path.lstrip("/")
        shop.asked.append((name, self.headers.get("Range")))
        data = shop.files.get(name)
        if not isinstance(data, bytes):
            self.send_error(data or 404)
            return
        tag = f'"{shop.versions.get(name, "1")}"'
        start = self.start_of(tag)
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if shop.tells_version:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:][: shop.breaks.pop(0) if shop.breaks else None])

    def start_of(self, tag):
        asked = self.headers.get("Range")
        if not asked or not self.server.has_ranges or self.headers.get("If-Range") != tag:
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def shop():
    with Shop() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty CHATBOT_HOME; no proxy stands between the tests and their server."""
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path


@pytest.fixture
def offer(shop, place, monkeypatch):
    """Returns a function that makes the catalogue hold one set, `talk`, of these parts."""

    def offered(*parts, commercial="no"):
        entry = {
            "id": "talk",
            "about": "Talk about numbers",
            "language": "en",
            "holds": "4,000 conversations",
            "licence": "CC BY-NC 4.0",
            "commercial": commercial,
            "page": "https://example.org/talk",
            "parts": [{"url": f"{shop.url}/{part['name']}", **part} for part in parts],
        }
        path = place / "catalogue.yml"
        path.write_text(yaml.safe_dump([entry]), encoding="utf-8")
        monkeypatch.setattr(catalogue, "CATALOGUE", path)

    return offered


@pytest.fixture
def talk(shop, offer):
    """The set `talk` of one plain file with a known sum."""
    shop.files["talk.jsonl"] = TALK
    offer({"name": "talk.jsonl", "sha256": sha256(TALK)})


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def fetch(capsys, *options, status=0):
    """Runs `corpus fetch talk`; returns what it printed, or its one line of error."""
    assert main(["corpus", "fetch", "talk", *options]) == status
    printed = capsys.readouterr()
    if status:
        assert printed.err.count("\n") == 1
        return printed.err
    return printed.out


def packed(members, how="zip"):
    data = io.BytesIO()
    if how == "zip":
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in members.items():
                archive.writestr(name, text)
    else:
        with tarfile.open(fileobj=data, mode=f"w:{how}") as archive:
            for name, text in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text))
    return data.getvalue()


# The catalogue itself


def test_every_set_says_what_it_is_and_what_it_allows():
    sets = public_sets()
    assert {"dailydialog", "kdconv", "self-dialogue", "lccc-base", "tatoeba-cmn-eng"} <= set(sets)
    for one in sets.values():
        assert one.page.startswith("https://")
        assert one.parts
        assert len({part.name for part in one.parts}) == len(one.parts)
    assert {one.id for one in sets.values() if one.commercial == "no"} == {
        "dailydialog",
        "xdailydialog-zh",
        "lccc-base",
    }


def test_list_tells_licence_and_what_is_here(talk, capsys):
    assert main(["corpus", "list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "talk" in line)
    assert line.split() == ["talk", "en", "no", "CC", "BY-NC", "4.0"]
    fetch(capsys)
    assert main(["corpus", "list"]) == 0
    assert "* talk" in capsys.readouterr().out


def test_list_as_json_is_one_object(talk, shop, place, capsys):
    def listed():
        assert main(["corpus", "list", "--json"]) == 0
        return json.loads(capsys.readouterr().out)["sets"][0]

    before = listed()
    assert (before["id"], before["commercial"], before["fetched"]) == ("talk", "no", False)
    assert before["urls"] == [f"{shop.url}/talk.jsonl"]
    fetch(capsys)
    assert listed()["path"] == str(place / "corpora-fetched" / "talk")


def test_an_unknown_id_names_the_nearest(talk, capsys):
    assert main(["corpus", "fetch", "talks"]) == 2
    assert "Did you mean talk?" in capsys.readouterr().err


# Downloading


def test_the_licence_is_told_before_anything_is_downloaded(talk, shop, capsys):
    shop.files.clear()
    assert main(["corpus", "fetch", "talk"]) == 2
    printed = capsys.readouterr().out
    assert "Licence: CC BY-NC 4.0; NO COMMERCIAL USE" in printed


def test_a_set_is_downloaded_checked_and_counted(talk, shop, place, capsys):
    printed = fetch(capsys)
    assert "4,000 conversations, 8,000 turns" in printed
    assert f"SHA-256 {sha256(TALK)}, as it should be" in printed
    assert (place / "corpora-fetched" / "talk" / "talk.jsonl").read_bytes() == TALK
    assert not (place / "corpora-fetched" / ".downloads" / "talk").exists()
    assert shop.asked == [("talk.jsonl", None)]


def test_a_set_that_is_here_is_fetched_again_only_when_asked(talk, shop, capsys):
    fetch(capsys)
    assert "It is here since" in fetch(capsys)
    assert len(shop.asked) == 1
    fetch(capsys, "--again")
    assert len(shop.asked) == 2


def test_the_sum_is_told_where_none_is_known(shop, offer, capsys):
    shop.files["talk.jsonl"] = TALK
    offer({"name": "talk.jsonl"})
    assert f"SHA-256 {sha256(TALK)}, no sum is published" in fetch(capsys)


def test_a_connection_that_breaks_is_taken_up_where_it_broke(talk, shop, capsys):
    shop.breaks = [100_000, 50_000]
    fetch(capsys)
    assert shop.asked[1:] == [("talk.jsonl", "bytes=100000-"), ("talk.jsonl", "bytes=150000-")]


def test_fetching_later_goes_on_where_it_stopped(talk, shop, capsys):
    shop.breaks = [100_000, 0]
    error = fetch(capsys, status=2)
    assert "it broke off after 100,000 of" in error
    assert "The 100,000 bytes that are here are kept." in error
    shop.asked.clear()
    fetch(capsys)
    assert shop.asked == [("talk.jsonl", "bytes=100000-")]


def test_a_file_that_changed_meanwhile_begins_anew(shop, offer, place, capsys):
    shop.files["talk.jsonl"] = b"x" * len(TALK)
    offer({"name": "talk.jsonl"})
    shop.breaks = [100_000, 0]
    fetch(capsys, status=2)
    shop.files["talk.jsonl"], shop.versions["talk.jsonl"] = TALK, "2"
    fetch(capsys)
    assert (place / "corpora-fetched/talk/talk.jsonl").read_bytes() == TALK


def test_a_file_that_became_shorter_begins_anew(shop, offer, place, capsys):
    shop.files["talk.jsonl"] = TALK * 2
    offer({"name": "talk.jsonl"})
    shop.breaks = [len(TALK) + 5, 0]
    fetch(capsys, status=2)
    shop.files["talk.jsonl"] = TALK
    fetch(capsys)
    assert (place / "corpora-fetched/talk/talk.jsonl").read_bytes() == TALK


@pytest.mark.parametrize("lacking", ["has_ranges", "tells_version"])
def test_a_server_that_cannot_go_on_begins_anew(talk, shop, place, capsys, lacking):
    setattr(shop, lacking, False)
    shop.breaks = [100_000]
    fetch(capsys)
    assert (place / "corpora-fetched/talk/talk.jsonl").read_bytes() == TALK
    assert len(shop.asked) == 2


def test_a_file_with_another_sum_is_put_aside_and_not_used(talk, shop, place, capsys):
    shop.files["talk.jsonl"] = TALK.replace(b"like", b"hate")
    error = fetch(capsys, status=2)
    assert "is not the file it should be" in error
    assert (place / "corpora-fetched/.downloads/talk/talk.jsonl.refused").exists()
    assert not (place / "corpora-fetched" / "talk").exists()
    shop.files["talk.jsonl"] = TALK
    fetch(capsys)


@pytest.mark.parametrize(
    ("status", "told"), [(404, "may have moved"), (403, "may have moved"), (503, "later")]
)
def test_a_server_that_refuses_is_quoted(talk, shop, capsys, status, told):
    shop.files["talk.jsonl"] = status
    error = fetch(capsys, status=2)
    assert f"HTTP {status}" in error
    assert told in error


def test_a_server_that_is_not_there_is_told_in_one_line(offer, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and does not listen
        offer({"name": "talk.jsonl", "url": f"http://127.0.0.1:{free.getsockname()[1]}/talk"})
        assert "refused. Check the connection" in fetch(capsys, status=2)


def test_a_full_disk_keeps_what_is_here(talk, shop, capsys, monkeypatch):
    def full(part, chunk):
        if part.size >= 2 * len(chunk):
            raise OSError(errno.ENOSPC, "No space left on device")
        append(part, chunk)

    append = download._Part.append
    with monkeypatch.context() as patch:
        patch.setattr(download._Part, "append", full)
        assert "No space left on device. Make room" in fetch(capsys, status=2)
    fetch(capsys)
    assert shop.asked[1][1].startswith("bytes=")


def test_more_than_any_set_needs_is_not_downloaded(talk, capsys, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 10_000)
    assert "sends more than" in fetch(capsys, status=2)


def test_a_set_is_fetched_by_one_at_a_time(talk, place, capsys):
    folder = place / "corpora-fetched" / ".downloads"
    folder.mkdir(parents=True)
    with (folder / "talk.lock").open("wb") as lock:
        assert try_lock(lock)
        assert "being fetched already" in fetch(capsys, status=2)


def test_a_set_without_an_address_sends_to_its_page(offer, capsys):
    offer()
    assert "See https://example.org/talk" in fetch(capsys, status=2)


# Unpacking


@pytest.mark.parametrize("how", ["zip", "gz", "xz"])
def test_of_an_archive_only_the_corpus_is_taken(shop, offer, place, capsys, how):
    members = {"set-main/data/train.jsonl": TALK, "set-main/README.md": b"# Talk\n"}
    shop.files["talk.bin"] = packed(members, how)
    offer({"name": "talk.bin", "take": ["*/data/*.jsonl"]})
    assert "4,000 conversations" in fetch(capsys)
    folder = place / "corpora-fetched" / "talk"
    found = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    assert sorted(found) == [".fetched.json", "set-main/data/train.jsonl"]


def test_a_gzip_file_is_kept_as_it_is(shop, offer, capsys):
    shop.files["talk.jsonl.gz"] = gzip.compress(TALK)
    offer({"name": "talk.jsonl.gz"})
    assert "4,000 conversations" in fetch(capsys)


@pytest.mark.parametrize("how", ["zip", "gz"])
@pytest.mark.parametrize("name", ["../evil.jsonl", "/evil.jsonl", "a/../../evil.jsonl", "a\\..\\e"])
def test_a_member_that_would_leave_the_folder_refuses_the_archive(
    shop, offer, place, capsys, how, name
):
    shop.files["talk.bin"] = packed({"good.jsonl": TALK, name: TALK}, how)
    offer({"name": "talk.bin", "take": ["*.jsonl"]})
    assert "would be written outside its folder" in fetch(capsys, status=2)
    assert not list(place.rglob("evil*"))
    assert not (place / "corpora-fetched" / "talk").exists()


def test_a_link_is_not_taken(shop, offer, capsys):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        link = tarfile.TarInfo("talk.jsonl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    shop.files["talk.tar"] = data.getvalue()
    offer({"name": "talk.tar", "take": ["*.jsonl"]})
    assert "talk.jsonl is no plain file" in fetch(capsys, status=2)


def test_an_archive_that_unpacks_to_too_much_is_refused(shop, offer, capsys, monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_BYTES", 10_000)
    shop.files["talk.zip"] = packed({"talk.jsonl": TALK})
    offer({"name": "talk.zip", "take": ["*.jsonl"]})
    assert "it unpacks to more than" in fetch(capsys, status=2)


def test_an_archive_of_too_many_files_is_refused(shop, offer, capsys, monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_FILES", 3)
    shop.files["talk.zip"] = packed({f"{i}.jsonl": TALK for i in range(4)})
    offer({"name": "talk.zip", "take": ["*.jsonl"]})
    assert "more than 3 files" in fetch(capsys, status=2)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<html>Please log in</html>", "no whole zip or tar file"),
        (packed({"talk.jsonl": TALK}, "gz")[:5000], "no whole zip or tar file"),
        (packed({"readme.txt": b"gone"}), "it holds nothing called *.jsonl"),
    ],
)
def test_what_is_no_such_archive_is_fetched_anew_the_next_time(shop, offer, capsys, data, told):
    shop.files["talk.bin"] = data
    offer({"name": "talk.bin", "take": ["*.jsonl"]})
    error = fetch(capsys, status=2)
    assert told in error
    assert "see https://example.org/talk" in error
    shop.files["talk.bin"] = packed({"talk.jsonl": TALK})
    assert "4,000 conversations" in fetch(capsys)


def test_what_no_reader_can_read_is_told_and_not_laid_out(shop, offer, place, capsys):
    shop.files["talk.jsonl"] = b'{"turns": ["cut off'
    offer({"name": "talk.jsonl"})
    assert "talk was downloaded but cannot be used: talk.jsonl" in fetch(capsys, status=2)
    assert list((place / "corpora-fetched").iterdir()) == [place / "corpora-fetched/.downloads"]


# Forms of their own


def test_lines_of_speakers_in_a_cell_become_turns(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text(
        "user 1 personas,user 2 personas,Best Generated Conversation\n"
        '"I ski.","I cook.","User 1: Hi!\nUser 2: Hello: how are you?\n[User 1 laughs]\n'
        'User 1: Fine.\nUser 1: And you?\nUser 2: Well."\n',
        encoding="utf-8",
    )
    reshape(path, "speaker-lines", tmp_path / "out.jsonl")
    [line] = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["turns"] == ["Hi!", "Hello: how are you?", "Fine. And you?", "Well."]


def test_exchanges_become_turns_and_silence_is_none(tmp_path):
    path = tmp_path / "train.json"
    talks = [
        {"dialogue": [["你好", "嗨"], ["忙吗", "不忙"]]},
        {"dialogue": [["__SILENCE__", "在吗"]]},
    ]
    path.write_text(json.dumps(talks), encoding="utf-8")
    reshape(path, "exchanges", tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["turns"] for line in lines] == [
        ["你好", "嗨", "忙吗", "不忙"],
        ["在吗"],
    ]


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("speaker-lines", "a,b\n1,2\n"),
        ("exchanges", '[{"dialogue": [[1, 2]]}]'),
        ("exchanges", '{"dialogue": 3}'),
        ("exchanges", "<html>"),
        ("spaced-words", "not packed"),
        ("spaced-dialogue", '{"turns": []}'),
    ],
)
def test_a_form_that_changed_is_told(tmp_path, shape, text):
    path = tmp_path / "train.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match="not in the form it used to have"):
        reshape(path, shape, tmp_path / "out.jsonl")


def test_a_set_of_its_own_form_is_fetched(shop, offer, capsys):
    talks = [{"dialogue": [["你好", "嗨"], ["忙吗", "不忙"]]}] * 3
    shop.files["train.json"] = json.dumps(talks).encode()
    offer({"name": "train.json", "shape": "exchanges"})
    assert "3 conversations, 12 turns" in fetch(capsys)


def jsonl(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def list_of(name, *texts):
    return json.dumps([{"messages": [{name: text} for text in texts], "name": "x"}]).encode()


# What each publisher's files look like, and the turns that are to come of them.
PUBLISHED = {
    "self-dialogue": (
        packed({
            "self_dialogue_corpus-main/LICENSE": b"BSD",
            "self_dialogue_corpus-main/corpus/music/music1.csv": b'"HITId","Title","Input.filler",'
            b'"Answer.sentence1","Answer.sentence10","Answer.sentence2","Approve","Reject"\n'
            b'"31JU","Create a dialog","0","Do you sing?","Bye now.","Only at home.","",""\n',
        }),
        [("Do you sing?", "Only at home.", "Bye now.")],
    ),
    "topical-chat": (
        json.dumps({"t_1": {"article_url": "u", "config": "C", "content": [
            {"message": "Hi there", "agent": "agent_1", "knowledge_source": ["FS1"]},
            {"message": "Hello you", "agent": "agent_2", "knowledge_source": []},
        ]}}).encode(),
        [("Hi there", "Hello you")] * 5,
    ),
    "personality-chat": (
        b"Question\tAnswer\tSource\tMetadata\nHi you\tHey.\tqna_chitchat\teditorial:chitchat\n",
        [("Hi you", "Hey.")] * 3,
    ),
    "convai2-personachat": (
        packed({
            "train_both_original.txt": b"1 no\n",
            "train_self_original_no_cands.txt": b"1 your persona: i ski .\n2 hi , you .\thello .\n",
            "valid_self_original_no_cands.txt": b"1 your persona: i cook .\n2 hey .\tyes .\n",
        }, "gz"),
        [("hi, you.", "hello."), ("hey.", "yes.")],
    ),
    "dailydialog": (
        packed({
            f"./{fold}.json": jsonl({"fold": fold, "topic": "Work", "dialogue": [
                {"emotion": "no", "act": "inform", "text": f"Hello , {fold} ."},
                {"emotion": "no", "act": "inform", "text": "Hello !"},
            ]})
            for fold in ("test", "train", "valid")
        }, "gz"),
        [(f"Hello, {fold}.", "Hello!") for fold in ("test", "train", "valid")],
    ),
    "cornell-movie-dialogs": (
        packed({
            "cornell movie-dialogs corpus/movie_lines.txt":
            b"L1 +++$+++ u0 +++$+++ m0 +++$+++ BIANCA +++$+++ They do not!\n"
            b"L2 +++$+++ u2 +++$+++ m0 +++$+++ CAMERON +++$+++ They do to!\n",
            "cornell movie-dialogs corpus/movie_conversations.txt":
            b"u0 +++$+++ u2 +++$+++ m0 +++$+++ ['L1', 'L2']\n",
            "cornell movie-dialogs corpus/movie_titles_metadata.txt": b"m0 +++$+++ ten things\n",
            "__MACOSX/cornell movie-dialogs corpus/._movie_lines.txt": b"\0\5",
        }),
        [("They do not!", "They do to!")],
    ),
    "chatterbot-chinese": (
        packed({
            "chatterbot-corpus-master/chatterbot_corpus/data/chinese/ai.yml":
            "categories:\n- AI\nconversations:\n- - 你是谁\n  - 我是机器人\n".encode(),
            "chatterbot-corpus-master/chatterbot_corpus/data/english/ai.yml": b"- []\n",
        }),
        [("你是谁", "我是机器人")],
    ),
    "smilechat": (
        packed({
            f"smile-main/data/{i}.json": json.dumps([
                {"role": "client", "content": "我很累", "annotation": []},
                {"role": "counselor", "content": "休息一下", "annotation": []},
            ]).encode()
            for i in range(2)
        }),
        [("我很累", "休息一下")] * 2,
    ),
    "xdailydialog-zh": ("你好__eou__你好吗__eou__\n".encode(), [("你好", "你好吗")]),
    "lccc-base": (
        gzip.compress(jsonl({"dialog": ["火锅 我 在 重庆 ！", "哈哈 好 吃"]})),
        [("火锅我在重庆！", "哈哈好吃")],
    ),
    "kdconv": (
        packed({
            "KdConv-master/data/film/train.json": list_of("message", "看过吗", "看过"),
            "KdConv-master/data/film/kb_film.json": b'{"a": [["a", "b", "c"]]}',
            "KdConv-master/data/travel/valid.json": list_of("message", "去过吗", "没有"),
        }),
        [("看过吗", "看过"), ("去过吗", "没有")],
    ),
    "xiaohuangji": (
        packed({"xiaohuangji50w_nofenci.conv": "E\nM 呵呵\nM 是王若猫的。\n".encode()}),
        [("呵呵", "是王若猫的。")],
    ),
    "tatoeba-cmn-eng": (
        packed({
            "cmn.txt": "Hi.\t嗨。\tCC-BY 2.0\nRun!\t跑！\tCC-BY 2.0\n".encode(),
            "_about.txt": b"!",
        }),
        [("Hi.", "嗨。"), ("Run!", "跑！")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("id_", PUBLISHED)
def test_a_set_is_read_in_the_form_its_publisher_gives_it(shop, place, id_):
    data, expected = PUBLISHED[id_]
    wanted = public_sets()[id_]
    parts = [
        part.model_copy(update={"url": f"{shop.url}/{part.name}", "sha256": None})
        for part in wanted.parts
    ]
    shop.files = {part.name: data for part in parts}
    fetched = fetching.fetch(wanted.model_copy(update={"parts": tuple(parts)}))
    assert [talk.turns for talk in read_conversations(fetched.path)] == expected


# An id as a corpus


def test_an_id_stands_for_the_set_once_it_is_fetched(talk, capsys):
    with pytest.raises(
        CorpusError, match=r"corpus fetch talk` \(licence: CC BY-NC 4\.0\)"
    ) as error:
        parse_source("talk@0.5")
    assert "\n" not in str(error.value)
    fetch(capsys)
    assert parse_source("talk@0.5") == CorpusSource(fetched_folder() / "talk", 0.5)
    assert main(["corpus", "inspect", "talk"]) == 0
    assert "talk" in capsys.readouterr().out


def test_a_file_of_the_same_name_goes_before_the_id(talk, place, monkeypatch):
    monkeypatch.chdir(place)
    (place / "talk").write_text("Hi\nHello\n", encoding="utf-8")
    assert parse_source("talk").path.read_text(encoding="utf-8") == "Hi\nHello\n"


def test_a_copy_of_a_set_elsewhere_is_known_by_its_folder(talk, place):
    assert terms_of(place / "mine" / "talk" / "train.jsonl")["commercial"] == "no"
    assert terms_of(place / "mine" / "talk.jsonl") is None


def with_licences(bundle, licences):
    """Changes what a bundle says of its licences, and seals it again."""
    config, manifest = bundle / "config.json", bundle / "manifest.json"
    about = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**about, "licences": licences}), encoding="utf-8")
    sums = json.loads(manifest.read_text(encoding="utf-8"))
    sums["config.json"] = sha256(config.read_bytes())
    manifest.write_text(json.dumps(sums), encoding="utf-8")


def test_a_training_notes_the_terms_of_its_corpora_and_of_its_base(talk, home, capsys):
    from chatbot.training.job import Job, set_up

    fetch(capsys)
    terms = {"set": "talk", "licence": "CC BY-NC 4.0", "commercial": "no"}
    run, _ = set_up(Job("one", [parse_source("talk@0.1")], Config()))
    assert run.about()["licences"] == [terms]
    of_base = {**terms, "set": "older"}
    known = [DialoguePair(("Hello!",), "Hi!", "x:1")]  # else it would be asked what it says
    write_pairs(home / "saved_models" / "tiny" / CORPUS, {"train": known, "validation": known})
    with_licences(home / "saved_models" / "tiny", [of_base, "odd", {"set": 3}])
    run, _ = set_up(Job("two", [parse_source("talk@0.1")], Config(), base="tiny"))
    assert run.about()["licences"] == [of_base, terms]


def test_nothing_of_the_network_is_imported_to_read_the_catalogue():
    code = (
        "import sys, chatbot.corpus.prepare as p; p.parse_source('a.csv');"
        "sys.exit(any(m in sys.modules for m in ('urllib.request', 'httpx', 'http.client')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

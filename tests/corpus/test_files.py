"""Files of text in any encoding; files that are no text; folders of both."""

import gzip
import io
import itertools

import pytest

from chatbot.corpus import textfile
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import ReadingLog
from chatbot.errors import CorpusError

CHINESE = "你好吗？\n我很好，谢谢！\n"
ACCENTED = "A café, please — “naïve” crème brûlée?\nVoilà, señor.\n"


def turns_in(path):
    return [conversation.turns for conversation in read_conversations(path)]


def error_of(path):
    with pytest.raises(CorpusError) as caught:
        turns_in(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Encodings


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *itertools.product((CHINESE, ACCENTED), ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be")),
        (CHINESE, "gb18030"),
        (ACCENTED, "cp1252"),
    ],
)
def test_the_encoding_is_found(tmp_path, text, encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    path = tmp_path / "a.txt"
    path.write_bytes(mark + text.encode(encoding))
    assert turns_in(path) == [tuple(text.splitlines())]


def test_english_with_a_single_curly_quote_is_windows_1252(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"It\x92s late.\nI know.\n" * 500)
    assert turns_in(path)[0][0] == "It’s late."


def test_chinese_far_into_a_mostly_english_file_is_found(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"Hello there.\n" * 200_000 + CHINESE.encode("gb18030"))
    assert turns_in(path)[-1][-2:] == tuple(CHINESE.splitlines())


def test_utf8_with_a_broken_byte_is_still_utf8(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(CHINESE.encode() * 20 + b"\xff\n")
    assert turns_in(path)[0][:2] == tuple(CHINESE.splitlines())


def test_utf8_cut_at_the_border_of_two_chunks_is_utf8(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_CHUNK", 7)
    path = tmp_path / "a.txt"
    path.write_text(CHINESE, encoding="utf-8")
    assert turns_in(path) == [tuple(CHINESE.splitlines())]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_line_ends(tmp_path, end):
    plain, table = tmp_path / "a.txt", tmp_path / "a.csv"
    plain.write_bytes(end.join(["Hi!", "Hello.", "", "Bye.", "See you."]).encode())
    table.write_bytes(end.join(["question,answer", "Hi!,Hello.", "Bye.,See you."]).encode())
    assert turns_in(plain) == turns_in(table) == [("Hi!", "Hello."), ("Bye.", "See you.")]


def test_other_separators_of_unicode_do_not_end_a_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\u2028line\x85here\nreply\n", encoding="utf-8")
    assert turns_in(path) == [("one\u2028line\x85here", "reply")]


# gzip


def test_gzip_is_told_by_its_bytes_and_the_format_by_the_name_within(tmp_path):
    packed = gzip.compress(b"question,answer\nHi!,Hello.\n")
    for name in ("a.csv.gz", "a.csv"):
        (tmp_path / name).write_bytes(packed)
        assert turns_in(tmp_path / name) == [("Hi!", "Hello.")]


def test_a_torn_archive_is_an_error_that_names_the_line(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_CHUNK", 64)
    path = tmp_path / "a.txt.gz"
    lines = "".join(f"{i * 7919 % 1000} green bottles\n" for i in range(300))
    path.write_bytes(gzip.compress(lines.encode())[:-200])
    message = error_of(path)
    assert "damaged gzip archive" in message
    assert int(message.partition("after line ")[2].split()[0]) > 50


def test_an_archive_with_damaged_bytes_is_an_error(tmp_path):
    packed = bytearray(gzip.compress(b"Hi!\nHello.\n" * 1000))
    packed[30:40] = b"\xff" * 10
    (tmp_path / "a.txt.gz").write_bytes(packed)
    assert "damaged gzip archive" in error_of(tmp_path / "a.txt.gz")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_RATIO_MATTERS_FROM", 1024**2)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(8):
            file.write(b"a\n" * 1024**2)
    (tmp_path / "bomb.txt.gz").write_bytes(packed.getvalue())
    assert "unpacks to more than" in error_of(tmp_path / "bomb.txt.gz")


# What is no corpus


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "is empty"),
        ("a.txt", b" \n\n", "holds no conversation"),
        ("a.csv", b"question,answer\n", "holds no conversation"),
        ("a.csv", b"Hello there.\nHow are you?\n", "no second column of text"),
        ("a.csv", b'question,answer\nHi!,"Hello.\nBye.', "a.csv line 2 cannot be cut"),
        ("a.csv", b"question,answer\na," + b"x" * 200_000, "a.csv line 2 cannot be cut"),
        ("a.txt", bytes(range(256)) * 8, "is binary"),
        ("a.csv", b"PK\x03\x04rest", "ZIP archive or an Office document"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "an image"),
        ("a.jsonl", b'{"turns": ["a", "b"]}\n{"turns": ["a", ', "a.jsonl line 2 is no valid JSON"),
        ("a.jsonl", b'{"x": 1}\n', "a.jsonl line 1 is in no known form: it holds x"),
        ("a.jsonl", b'{"turns": ["a", "b"]}\n3\n', "line 2 is a single number"),
        ("a.json", b'[["a", "b"],\n["c", ', "a.json line 2 is no valid JSON"),
        ("a.json", b'[["a", "b"], {"x": 1}]', "a.json record 2 is in no known form"),
        ("a.json", b"3", "a single number"),
        ("a.json", b"[" * 100_000, "nested too deep"),
        ("a.jsonl", b'{"turns": [{"speaker": "a"}]}', "turn without text"),
        ("a.yml", b"conversations:\n- - a\n  - 'b\n", "a.yml line"),
        ("a.yml", b"[" * 50_000, "nests its lists too deep"),
        ("a.yml", b"other: 1\n", "no conversations, situations or messages"),
        ("a.yml", b"situations:\n- says: [a]\n", "situation 1 lacks"),
        ("a.yml", b"conversations:\n- - [a]\n", "conversation 1 holds something that is no text"),
        ("a.yml", b"conversations: [[a, b]]\nreply_speaker: x\n", "not among the speakers"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_of_error(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    message = error_of(tmp_path / name)
    assert reason in message
    assert name in message


def test_a_path_that_is_not_there_is_an_error(tmp_path):
    assert "No such file" in error_of(tmp_path / "nowhere.csv")


def test_a_very_long_line_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"Hi!\n" + b"x" * 10_000_000 + b"\nBye.\n")
    assert "a.txt line 2 is longer than 4 MB" in error_of(path)


def test_one_long_line_of_json_is_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[" + ", ".join(['["Hi there!", "Hello."]'] * 250_000) + "]")
    assert path.stat().st_size > textfile.MAX_LINE_BYTES
    assert len(turns_in(path)) == 250_000


# Folders


def test_a_folder_is_read_in_order_of_names_and_its_ids_hold_the_path(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("Hi!\nHello.\n")
    (tmp_path / "b" / "a.txt").write_text("Bye.\nSee you.\n")
    ids = [conversation.id for conversation in read_conversations(tmp_path)]
    assert ids == ["a.txt:1", "b/a.txt:1"]


def test_files_of_a_folder_that_are_no_corpus_are_skipped_and_named(tmp_path):
    (tmp_path / "a.txt").write_text("Hi!\nHello.\n")
    for name in ("README.md", "LICENSE", "photo.png", "_about.txt", ".hidden.txt"):
        (tmp_path / name).write_text("not a conversation")
    log = ReadingLog()
    assert len(list(read_conversations(tmp_path, log))) == 1
    assert log.skipped_files == ["LICENSE", "README.md", "_about.txt", "photo.png"]


def test_a_folder_without_a_readable_file_is_an_error_that_names_what_is_there(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    assert "skipped: photo.png" in error_of(tmp_path)


def test_a_damaged_file_in_a_folder_is_an_error_that_names_it(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.jsonl").write_text('{"turns": ["a"')
    assert "sub/a.jsonl line 1" in error_of(tmp_path)

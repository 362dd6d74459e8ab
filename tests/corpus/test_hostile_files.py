"""Files that are broken, or made to harm: one clear line each, and memory stays small."""

import gzip
import io
import json
import os
import tracemalloc
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chatbot.corpus import textfile
from chatbot.corpus.formats import json_records, spreadsheets
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.survey import survey
from chatbot.errors import CorpusError

MB = 1024**2


def read(path):
    return [conversation.turns for conversation in read_conversations(path)]


@pytest.fixture(params=[read, survey], ids=["read", "surveyed"])
def look(request):
    """Reads a file as training does, and as the page does before."""
    return request.param


def line_about(look, path):
    with pytest.raises(CorpusError) as caught:
        look(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 700
    return message


def workbook_bytes():
    book, kept = openpyxl.Workbook(), io.BytesIO()
    for row in [["question", "answer"], ["Hi!", "Hello."], ["Bye.", "See you."]]:
        book.active.append(row)
    book.save(kept)
    return kept.getvalue()


def parquet_bytes():
    kept = io.BytesIO()
    pq.write_table(
        pa.table({"question": ["Hi!"] * 500, "answer": list(map(str, range(500)))}), kept
    )
    return kept.getvalue()


def zipped(files):
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return kept.getvalue()


# What a file turns out to be


CASES = {
    "empty text": ("a.txt", b"", "a.txt is empty"),
    "empty table": ("a.csv", b"", "a.csv is empty"),
    "empty workbook": ("a.xlsx", b"", "a.xlsx is empty"),
    "empty archive": ("a.csv.gz", gzip.compress(b""), "a.csv.gz is empty"),
    "binary": ("a.csv", bytes(range(256)) * 40, "a.csv is binary"),
    "a picture": ("chat.txt", b"\x89PNG\r\n\x1a\n" + bytes(90), "is an image"),
    "unbalanced quotes": ("a.csv", b'question,answer\nHi!,"Hello.\n' * 3, "cannot be cut into col"),
    "one column": ("a.csv", b"Hello there.\nHow are you?\nFine.\n", "no second column of text"),
    "torn JSON": ("a.json", b'[["a", "b"],\n["c', "a.json line 2 is no valid JSON"),
    "torn JSONL": ("a.jsonl", b'{"turns": ["a", "b"]}\n{"tu', "a.jsonl line 2 is no valid JSON"),
    "JSON and more": ("a.json", b'[["a", "b"]] and more', "Extra data"),
    "deep JSON": ("a.json", b"[" * 200_000, "nested too deep"),
    "deep Telegram": (
        "a.json",
        b'{"type": "personal_chat", "x": ' + b"[" * 200_000,
        "nested too deep",
    ),
    "a number of a million digits": ("a.json", b"[" + b"9" * MB + b"]", "number is too long"),
    "torn Telegram": (
        "result.json",
        b'{"type": "personal_chat",\n"messages": [{"type": "message", "from": "A", "te',
        "result.json line 2 is no valid JSON",
    ),
    "torn Messenger": (
        "message_1.json",
        b'{"participants": [],\n"messages": [{"sender_name": "A", "timestamp_ms": 1',
        "message_1.json line 2 is no valid JSON",
    ),
    "a Word document": ("a.docx", zipped({"word/document.xml": "x"}), "ZIP archive or an Office"),
    "a renamed archive": ("a.csv", zipped({"a.png": "x"}), "Unpack it"),
    "an archive called workbook": ("a.xlsx", zipped({"a.png": "x"}), "Unpack it"),
    "an archive of two chats": ("a.zip", zipped({"a.txt": "x", "b.txt": "y"}), "Unpack it"),
    "a torn archive": ("a.zip", zipped({"a.png": "x" * 500})[:-30], "Unpack it"),
    "an old workbook": ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "as .xlsx"),
    "an old workbook, renamed": ("a.csv", b"\xd0\xcf\x11\xe0" + bytes(500), "save it as .xlsx"),
    "a torn workbook": ("a.xlsx", workbook_bytes()[:-400], "a.xlsx is a damaged Excel workbook"),
    "a workbook without sheets": (
        "a.xlsx",
        zipped({"xl/workbook.xml": "<workbook/>"}),
        "a.xlsx is a damaged Excel workbook",
    ),
    "a workbook of nonsense": (
        "a.xlsx",
        zipped({"xl/workbook.xml": "<<<", "_rels/.rels": "&&"}),
        "a.xlsx is a damaged Excel workbook",
    ),
    "a web page": ("messages.html", b"<!DOCTYPE html>\n<html>Hi", "Telegram, Discord and"),
    "QQ's web page": ("a.mht", b"From: <Save by Tencent MsgMgr>\nSubject: x", "from QQ and"),
    "torn Parquet": ("a.parquet", parquet_bytes()[:-60], "a.parquet is a damaged Parquet file"),
    "Parquet in name": ("a.parquet", b"PAR1PAR1", "a.parquet is a damaged Parquet file"),
}


@pytest.mark.parametrize(("name", "content", "reason"), CASES.values(), ids=CASES.keys())
def test_each_is_one_line_that_names_the_file(tmp_path, look, name, content, reason):
    (tmp_path / name).write_bytes(content)
    message = line_about(look, tmp_path / name)
    assert reason in message
    assert name in message


def test_parquet_with_damaged_pages_is_one_line(tmp_path, look):
    data = bytearray(parquet_bytes())
    data[10:900] = b"\xff" * 890
    (tmp_path / "a.parquet").write_bytes(data)
    assert "damaged Parquet file" in line_about(look, tmp_path / "a.parquet")


def test_a_workbook_with_damaged_sheets_is_one_line(tmp_path, look):
    data = bytearray(workbook_bytes())
    at = data.find(b"xl/worksheets/sheet1.xml") + 30
    data[at : at + 60] = b"\xff" * 60
    (tmp_path / "a.xlsx").write_bytes(data)
    assert "damaged Excel workbook" in line_about(look, tmp_path / "a.xlsx")


def test_a_folder_or_a_pipe_in_place_of_a_file_is_one_line(tmp_path, look):
    assert "no file of a known format" in line_about(survey, tmp_path)
    os.mkfifo(tmp_path / "a.txt")
    assert "is no regular file" in line_about(look, tmp_path / "a.txt")


# Bombs


def test_a_gzip_bomb_is_refused_long_before_it_is_unpacked(tmp_path, look, monkeypatch):
    monkeypatch.setattr(textfile, "_RATIO_MATTERS_FROM", 2 * MB)
    monkeypatch.setattr(textfile, "_PEEK_BYTES", MB)
    for name, line in {"a.txt.gz": "Hi!\n", "a.json.gz": '"a",'}.items():
        start = "[" if "json" in name else ""
        packed = gzip.compress((start + line * MB).encode())
        (tmp_path / name).write_bytes(packed)
        if look is read or "json" in name:
            assert "unpacks to more than" in line_about(look, tmp_path / name)
        else:
            look(tmp_path / name)  # stops at the first pairs


def test_a_zip_bomb_in_place_of_a_chat_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_RATIO_MATTERS_FROM", 2 * MB)
    (tmp_path / "chat.zip").write_bytes(zipped({"_chat.txt": "Hi!\n" * MB}))
    assert "unpacks to more than" in line_about(read, tmp_path / "chat.zip")


def test_a_workbook_that_is_a_bomb_is_refused_before_it_is_unpacked(tmp_path, look, monkeypatch):
    monkeypatch.setattr(spreadsheets, "_RATIO_MATTERS_FROM", 2 * MB)
    sheet = "<row/>" * (4 * MB)
    (tmp_path / "a.xlsx").write_bytes(
        zipped({"xl/workbook.xml": "x", "xl/worksheets/sheet1.xml": sheet})
    )
    assert "a.xlsx unpacks to 24 MB" in line_about(look, tmp_path / "a.xlsx")


def with_sheet(path, change):
    """Writes a workbook whose sheet was changed by hand."""
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(workbook_bytes())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    changed = change(parts[sheet].decode())
    assert changed != parts[sheet].decode()
    path.write_bytes(zipped({**parts, sheet: changed}))
    return path


def test_a_workbook_that_claims_to_be_endless_is_read_as_it_is(tmp_path):
    path = with_sheet(tmp_path / "a.xlsx", lambda xml: xml.replace("A1:B3", "A1:XFD1048576"))
    assert read(path) == [("Hi!", "Hello."), ("Bye.", "See you.")]


def test_entities_of_xml_do_not_explode(tmp_path, look):
    laughs = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 50}">'
        for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )
    path = with_sheet(
        tmp_path / "a.xlsx",
        lambda xml: f"<!DOCTYPE x [{laughs}]>" + xml.replace("Hello.", "&h;"),
    )
    assert "damaged Excel workbook" in line_about(look, path)


# Huge lines and values


HUGE = {
    "a.txt": ("Hi!\nHello.\n", "\nBye.\n"),
    "a.csv": ("question,answer\nHi!,Hello.\n", "\nBye.,See you.\n"),
    "a.jsonl": ('{"turns": ["a", "b"]}\n{"turns": ["', '"]}\n'),
    "chat.txt": ("31.12.20, 22:15 - Anna: Hi!\n31.12.20, 22:16 - Ben: ", "\n"),
    "qq.txt": ("2023-01-02 12:34:56 小明\n", "\n2023-01-02 12:34:57 小红\n好\n"),
}


@pytest.mark.parametrize(("name", "around"), HUGE.items(), ids=HUGE.keys())
def test_a_line_of_ten_megabytes_is_one_line_of_error(tmp_path, look, name, around):
    (tmp_path / name).write_text(("x" * 10_000_000).join(around), encoding="utf-8")
    assert "is longer than 4 MB, which no conversation is" in line_about(look, tmp_path / name)


def peak_of(look, path):
    tracemalloc.start()
    try:
        line_about(look, path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "name", ["a.txt", "a.csv", "a.jsonl", "chat.txt", "a.json", "result.json", "a.yml"]
)
def test_memory_does_not_grow_with_a_huge_line(tmp_path, look, name, monkeypatch):
    monkeypatch.setattr("chatbot.corpus.formats.json_stream._MAX_VALUE", 4 * MB)
    monkeypatch.setattr("chatbot.corpus.formats.yaml_corpora._MOST_CHARACTERS", 4 * MB)
    starts = {
        "a.json": '[["a", "b"], ["',
        "result.json": '{"type": "personal_chat", "messages": [{"text": "',
        "a.yml": "conversations:\n- - ",
    }
    start = starts.get(name) or HUGE[name][0]
    with (tmp_path / name).open("w") as file:
        file.write(start)
        for _ in range(60):
            file.write("x" * MB)
    assert peak_of(look, tmp_path / name) < 40 * MB


def test_a_message_without_end_is_cut_off_and_the_next_one_is_read(tmp_path):
    more = "more\n" * 200_000
    chat = f"31.12.20, 22:15 - Anna: Hi!\n{more}31.12.20, 22:16 - Ben: Enough!\n"
    (tmp_path / "a.txt").write_text(chat)
    (turns,) = read(tmp_path / "a.txt")
    assert len(turns[0]) < 110_000
    assert turns[1] == "Enough!"


def test_one_json_object_that_is_too_large_to_hold_is_one_line(tmp_path, look, monkeypatch):
    monkeypatch.setattr(json_records, "_MOST_HELD", MB)
    for value in ({str(i): ["some", "words"] for i in range(90_000)}, ["a turn"] * 200_000):
        (tmp_path / "a.json").write_text(json.dumps(value))
        assert "Save it as JSONL" in line_about(look, tmp_path / "a.json")


# Names


NAMES = [
    "new\nline.csv",
    "tab\tand\x1b[31mred.csv",
    "\u202egnp.csv",
    "<img src=x onerror=alert(1)>.csv",
    "-rf.csv",
    "a@5.csv",
    "%s{0}$(id).csv",
    "…" * 80 + ".csv",
    " .csv",
    "'; DROP TABLE x;--.csv",
    "[bold]x.csv",
]


@pytest.mark.parametrize("name", [*NAMES, os.fsdecode(b"\xff\xfe.csv")])
def test_a_file_may_be_called_anything(tmp_path, look, name):
    path = tmp_path / name
    path.write_text("question,answer\nHi!,Hello.\n")
    look(path)
    assert survey(path).name.isprintable()
    for content in (b"", b"alone\nquite alone\n", bytes(range(256))):
        path.write_bytes(content)
        line_about(look, path)


@pytest.mark.parametrize("name", ["nowhere.csv", "no\nwhere.csv", "no\0where.csv", "x" * 5000])
def test_a_path_that_leads_nowhere_is_one_line(tmp_path, look, name):
    assert "Cannot read" in line_about(look, tmp_path / name)

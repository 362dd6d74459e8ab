"""Excel and Parquet tables, and which columns of any table are read."""

import datetime
import gzip
import json
import time
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chatbot.config import Config, CorpusConfig, with_settings
from chatbot.corpus.formats.columns import Chosen
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.survey import Column, survey
from chatbot.errors import CorpusError

TALK = [("Hi!", "Hello."), ("Bye.", "See you.")]
ROWS = [
    ["id", "Kunde fragt", "Thema", "Berater sagt", "Datum"],
    [1, "Is it open?", "hours", "Yes, it is.", datetime.datetime(2020, 12, 31)],
    [2.0, "Until when, please?", "hours", "Until five.", None],
    [3, "And on Sunday?", "hours", "No.", "soon"],
]
AS_PAIRS = {(row[1], row[3]) for row in ROWS[1:]}
CHOSEN = {"message_column": "Kunde fragt", "reply_column": "Berater sagt"}


def workbook(path, *sheets, hidden=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet {number}")
        sheet.sheet_state = "hidden" if number in hidden else "visible"
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def csv_file(path, rows):
    lines = (";".join("" if cell is None else str(cell) for cell in row) for row in rows)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def turns_in(path):
    return [conversation.turns for conversation in read_conversations(path)]


def pairs_of(*paths, **settings):
    config = CorpusConfig(without_history=0, **settings)
    prepared = prepare_corpus([CorpusSource(path) for path in paths], config)
    return {(pair.history[-1], pair.reply) for pair in (*prepared.train, *prepared.validation)}


# Excel


def test_a_workbook_is_read_by_the_names_of_its_columns_whatever_it_is_called(tmp_path):
    rows = [["Source", "Question", "Answer"], *([None, *pair] for pair in TALK)]
    path = workbook(tmp_path / "faq.csv", rows)
    conversations = list(read_conversations(path))
    assert [c.turns for c in conversations] == TALK
    assert conversations[0].id == "faq.csv:2"
    assert survey(path).format == "Excel workbook"


def test_titles_empty_rows_empty_and_hidden_sheets_are_passed_over(tmp_path):
    rows = [["All our questions"], [], ["question", "answer"], *TALK]
    path = workbook(tmp_path / "a.xlsx", [["secret", "hidden"]] * 3, [], rows, hidden=[0])
    assert turns_in(path) == TALK


def test_a_cell_is_read_as_it_is_shown(tmp_path):
    rows = [["question", "answer"], ["How many?", 3.0], ["When?", datetime.datetime(2020, 12, 31)]]
    assert turns_in(workbook(tmp_path / "a.xlsx", rows)) == [
        ("How many?", "3"),
        ("When?", "2020-12-31"),
    ]


def test_a_workbook_may_hold_one_turn_a_row(tmp_path):
    rows = [["conversation", "speaker", "text"], [7, "ann", "Hi!"], [7, "bob", "Hello."]]
    (conversation,) = read_conversations(workbook(tmp_path / "a.xlsx", rows))
    assert (conversation.turns, conversation.speakers) == (TALK[0], ("ann", "bob"))


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_a_column_named_turn_beside_the_text_holds_numbers(tmp_path, kind):
    rows = [["conversation_id", "turn", "text"], [7, 1, "Hi!"], [7, 2, "Hello."]]
    path = tmp_path / f"a.{kind}"
    if kind == "xlsx":
        workbook(path, rows)
    else:
        pq.write_table(pa.table(list(map(list, zip(*rows[1:], strict=True))), rows[0]), path)
    assert turns_in(path) == [TALK[0]]


def test_a_workbook_as_excel_itself_writes_it_is_read(tmp_path):
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f"""<Types xmlns="{package}/content-types">
            <Default Extension="rels" ContentType="{package}.relationships+xml"/>
            <Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>
            <Override PartName="/xl/worksheets/s.xml" ContentType="{kinds}.worksheet+xml"/>
            <Override PartName="/xl/sharedStrings.xml" ContentType="{kinds}.sharedStrings+xml"/>
            </Types>""",
        "_rels/.rels": f"""<Relationships xmlns="{package}/relationships"><Relationship Id="r1"
            Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
        "xl/workbook.xml": f"""<workbook xmlns="{main}" xmlns:r="{links}"><sheets>
            <sheet name="Tabelle1" sheetId="1" r:id="r1"/></sheets></workbook>""",
        "xl/_rels/workbook.xml.rels": f"""<Relationships xmlns="{package}/relationships">
            <Relationship Id="r1" Type="{links}/worksheet" Target="worksheets/s.xml"/>
            <Relationship Id="r2" Type="{links}/sharedStrings" Target="sharedStrings.xml"/>
            </Relationships>""",
        "xl/sharedStrings.xml": f"""<sst xmlns="{main}"><si><t>Frage</t></si>
            <si><t>Antwort</t></si><si><t>Hi!</t></si>
            <si><r><t>Hel</t></r><r><rPr><b/></rPr><t>lo.</t></r></si></sst>""",
        "xl/worksheets/s.xml": f"""<worksheet xmlns="{main}"><sheetData>
            <row r="3"><c r="B3" t="s"><v>0</v></c><c r="C3" t="s"><v>1</v></c></row>
            <row r="4"><c r="B4" t="s"><v>2</v></c><c r="C4" t="s"><v>3</v></c></row>
            <row r="6"><c r="B6" t="s"><v>2</v></c><c r="C6"><f>1+1</f><v>2</v></c></row>
            </sheetData></worksheet>""",
    }
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    chosen = Chosen("Frage", "Antwort")
    found = list(read_conversations(tmp_path / "a.xlsx", None, chosen))
    assert [(c.id, c.turns) for c in found] == [
        ("a.xlsx:4", ("Hi!", "Hello.")),
        ("a.xlsx:6", ("Hi!", "2")),
    ]


def test_a_workbook_of_one_column_is_an_error_in_one_line(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["Hello there."], ["How are you?"]])
    with pytest.raises(CorpusError, match=r"a\.xlsx has no second column of text"):
        turns_in(path)


# Parquet


def test_a_parquet_table_is_read_by_groups_of_rows(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"id": range(5000), "prompt": ["Hi!"] * 5000, "response": ["Hello."] * 5000})
    pq.write_table(table, path, row_group_size=700)
    conversations = list(read_conversations(path))
    assert len(conversations) == 5000
    assert conversations[-1].turns == TALK[0]
    assert conversations[-1].id == "a.parquet:5000"


def test_a_parquet_row_may_be_a_whole_conversation(tmp_path):
    messages = [{"role": "user", "content": "Hi!"}, {"role": "assistant", "content": "Hello."}]
    path = tmp_path / "train-00000-of-00001.parquet"
    pq.write_table(pa.table({"messages": [messages], "source": ["x"]}), path)
    (conversation,) = read_conversations(path)
    assert (conversation.turns, conversation.reply_speaker) == (TALK[0], "assistant")
    assert survey(path).pairs[0].reply == "Hello."


def test_text_that_a_parquet_file_holds_as_bytes_is_decoded(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"question": ["Grüße!".encode()], "answer": [b"Hello\xff"]}), path)
    assert turns_in(path) == [("Grüße!", "Hello\N{REPLACEMENT CHARACTER}")]


def test_messages_that_a_parquet_file_holds_as_bytes_are_decoded(tmp_path):
    messages = [{"role": b"user", "content": b"Hi!"}, {"role": b"assistant", "content": b"Hello."}]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"messages": [messages]}), path)
    (conversation,) = read_conversations(path)
    assert (conversation.turns, conversation.reply_speaker) == (TALK[0], "assistant")


@pytest.mark.parametrize(
    "record",
    [
        {"history": ["Hi!", "Hello.", "Bye."], "reply": "See you."},
        {"prompt": "Bye.", "response": "See you.", "history": [["Hi!", "Hello."]]},
    ],
)
def test_a_parquet_row_with_a_history_is_read_as_its_line_of_jsonl(tmp_path, record):
    path, lines = tmp_path / "a.parquet", tmp_path / "a.jsonl"
    pq.write_table(pa.Table.from_pylist([record]), path)
    lines.write_text(json.dumps(record))
    assert turns_in(path) == turns_in(lines) == [(*TALK[0], *TALK[1])]


def test_the_input_of_an_alpaca_row_is_joined_with_its_instruction(tmp_path):
    rows = [
        {"instruction": "Translate:", "input": "chat", "output": "cat"},
        {"instruction": "Say hi.", "input": None, "output": "Hi!"},
    ]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert turns_in(path) == [("Translate: chat", "cat"), ("Say hi.", "Hi!")]


# Columns, chosen by name


def test_columns_are_chosen_by_name_in_every_kind_of_table(tmp_path):
    csv, xlsx = csv_file(tmp_path / "a.csv", ROWS), workbook(tmp_path / "a.xlsx", ROWS)
    parquet, jsonl = tmp_path / "a.parquet", tmp_path / "a.jsonl"
    records = [dict(zip(ROWS[0], map(str, row), strict=True)) for row in ROWS[1:]]
    pq.write_table(pa.Table.from_pylist(records), parquet)
    jsonl.write_text("\n".join(map(json.dumps, records)))
    for path in (csv, xlsx, parquet, jsonl):
        assert pairs_of(path, **CHOSEN) == AS_PAIRS, path.name


@pytest.mark.parametrize(
    ("message", "reply"), [("kunde_fragt", "BERATER SAGT"), ("2", "4"), ("Kunde fragt", "4")]
)
def test_a_column_may_be_chosen_in_any_case_and_by_its_number(tmp_path, message, reply):
    path = csv_file(tmp_path / "a.csv", ROWS)
    assert pairs_of(path, message_column=message, reply_column=reply) == AS_PAIRS


def test_the_reply_may_stand_before_the_message(tmp_path):
    path = csv_file(tmp_path / "a.csv", [["answer", "question"], *(pair[::-1] for pair in TALK)])
    assert pairs_of(path) == set(TALK)
    swapped = pairs_of(path, message_column="answer", reply_column="question")
    assert swapped == {pair[::-1] for pair in TALK}


def test_where_one_column_is_chosen_the_other_is_the_best_guess(tmp_path):
    path = csv_file(
        tmp_path / "a.csv", [["question", "answer", "short"], *((*p, "x") for p in TALK)]
    )
    assert pairs_of(path, reply_column="answer") == set(TALK)


def test_a_first_row_that_looks_like_data_is_a_header_once_it_is_chosen_by_name(tmp_path):
    rows = [["What was asked, in full?", "What we said!"], *TALK]
    chosen = {"message_column": rows[0][0], "reply_column": rows[0][1]}
    assert pairs_of(csv_file(tmp_path / "a.csv", rows), **chosen) == set(TALK)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
def test_an_unknown_column_is_one_line_that_names_those_there(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        csv_file(path, ROWS)
    elif kind == "xlsx":
        workbook(path, ROWS)
    else:
        path.write_text(json.dumps({"Kunde fragt": "a", "Berater sagt": "b"}))
    with pytest.raises(CorpusError) as caught:
        pairs_of(path, message_column="Frage", reply_column="Berater sagt")
    assert "has no column 'Frage'" in str(caught.value)
    assert "Kunde fragt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_same_column_cannot_hold_both(tmp_path):
    with pytest.raises(CorpusError, match="both message and reply"):
        pairs_of(csv_file(tmp_path / "a.csv", ROWS), message_column="id", reply_column="id")


def test_a_second_table_without_the_chosen_columns_is_read_by_its_own(tmp_path):
    own, other = csv_file(tmp_path / "a.csv", ROWS), tmp_path / "b.csv"
    csv_file(other, [["question", "answer"], *TALK])
    assert pairs_of(own, other, **CHOSEN) == AS_PAIRS | set(TALK)


@pytest.mark.parametrize("name", ["yes", "2", "Ann: b", "#1", "*", "a # b", "'tis"])
def test_names_are_settings_as_they_are_written(name):
    for text in (name, json.dumps(name)):
        config = with_settings(Config(), [f"corpus.message_column={text}"])
        assert config.corpus.message_column == name


def test_an_empty_name_is_none():
    assert with_settings(Config(), ["corpus.reply_speaker="]).corpus.reply_speaker is None


# A first look


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_survey_shows_columns_with_examples_and_what_would_be_read(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    (csv_file if kind == "csv" else workbook)(path, ROWS)
    look = survey(path)
    assert [column.name for column in look.columns] == ROWS[0]
    assert look.columns[1].examples == tuple(row[1] for row in ROWS[1:])
    assert (look.message_column, look.reply_column) == ("Kunde fragt", "Thema")
    chosen = survey(path, CorpusConfig(**CHOSEN))
    assert (chosen.message_column, chosen.reply_column) == ("Kunde fragt", "Berater sagt")
    assert {(pair.history[-1], pair.reply) for pair in chosen.pairs} == AS_PAIRS


def test_columns_without_names_have_numbers(tmp_path):
    look = survey(
        csv_file(tmp_path / "a.csv", [[1, "Hi there!", "Hello, you."], [2, "Bye!", "So?"]])
    )
    assert look.columns[1] == Column("2", ("Hi there!", "Bye!"))
    assert (look.message_column, look.reply_column) == ("2", "3")


def test_a_table_that_cannot_be_guessed_still_shows_its_columns(tmp_path):
    rows = [["code", "count", "note"], *([i, i, "Only some text"] for i in range(5))]
    look = survey(csv_file(tmp_path / "a.csv", rows))
    assert [column.name for column in look.columns] == ["code", "count", "note"]
    assert (look.message_column, look.pairs) == (None, ())
    assert any("no second column of text" in note for note in look.notes)


def test_json_records_of_unknown_fields_show_them_as_columns(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"ask": m, "say": r, "n": 1}) for m, r in TALK))
    look = survey(path)
    assert look.columns[0] == Column("ask", ("Hi!", "Bye."))
    assert any("in no known form" in note for note in look.notes)
    chosen = survey(path, CorpusConfig(message_column="ask", reply_column="say"))
    assert [(pair.history[-1], pair.reply) for pair in chosen.pairs] == TALK


@pytest.mark.parametrize("packed", [False, True])
def test_a_survey_of_a_large_table_is_quick(tmp_path, packed):
    rows = "".join(f"what is number {i}?,it is {i}\n" for i in range(500_000))
    path = tmp_path / "a.csv"
    data = ("question,answer\n" + rows).encode()
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    begun = time.process_time()
    look = survey(path)
    assert time.process_time() - begun < 2
    assert len(look.pairs) == 10
    assert not look.is_whole

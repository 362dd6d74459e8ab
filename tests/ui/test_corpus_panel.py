"""Uploads, what is chosen of them, and how a corpus is shown, without a browser."""

import errno
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import gradio as gr
import pytest
import yaml

from chatbot.config import Config, CorpusConfig, with_settings
from chatbot.corpus.pairs import Reason
from chatbot.corpus.prepare import CorpusSource, prepare_corpus
from chatbot.corpus.readers import FORMATS
from chatbot.corpus.records import DialoguePair
from chatbot.errors import CorpusError
from chatbot.ui import uploads
from chatbot.ui.corpus_choice import Asked, look, report_on, settings_of
from chatbot.ui.corpus_panel import CorpusPanel
from chatbot.ui.corpus_view import preview_html, report_html
from chatbot.ui.desk import Desk
from chatbot.ui.owner import OwnerGate
from chatbot.ui.texts import corpus as texts
from chatbot.ui.uploads import corpora, forget_upload, keep_upload, safe_name

NASTY = "<script>alert('x')</script>"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The uploads of a home of its own."""
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "uploads"


@pytest.fixture
def received(tmp_path):
    """Writes files as if Gradio had received them."""

    def write(name, text, place="temporary"):
        path = tmp_path / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def table(rows, head="question,answer"):
    return "\n".join([head, *rows]) + "\n"


FAQ = table([f"when does shop {i} open,at {i} sharp" for i in range(30)])


# Uploads


def test_an_upload_is_kept_under_a_safe_name_and_leaves_nothing_behind(received, folder):
    path = received("my chat (1).csv", FAQ)
    assert keep_upload(path) == "uploads/my_chat_1_.csv"
    assert [p.name for p in folder.iterdir()] == ["my_chat_1_.csv"]
    assert (folder / "my_chat_1_.csv").read_text() == FAQ
    assert not path.exists()


def test_the_same_file_is_kept_once_and_another_one_of_that_name_beside_it(received):
    keys = [
        keep_upload(received("a.csv", text, place))
        for place, text in (("one", "x,y"), ("two", "x,y"), ("three", "x,z"))
    ]
    assert keys == ["uploads/a.csv", "uploads/a.csv", "uploads/a-2.csv"]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\x.csv",
        "/etc/passwd",
        ".bashrc",
        "-rf.csv",
        "a\nb\x00c.csv",
        "CON.csv",
        "x" * 400 + ".json.gz",
        NASTY,
        "a@8",
        "\u202etxt.csv",
        "..",
        "",
    ],
)
def test_a_hostile_name_becomes_a_harmless_one(name):
    safe = safe_name(name)
    assert re.fullmatch(r"[^\W]?[\w.-]{1,80}", safe)
    assert not safe.startswith((".", "-"))
    assert len(safe) <= 81
    assert safe.split(".")[0].lower() != "con"
    assert ("x" * 400 not in name) or safe.endswith(".json.gz")


def test_a_full_disk_leaves_no_half_a_file(received, folder, monkeypatch):
    def full(source, target):
        Path(target).write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads.shutil, "copyfile", full)
    path = received("a.csv", FAQ)
    with pytest.raises(OSError, match="No space"):
        keep_upload(path)
    assert list(folder.iterdir()) == []
    assert path.exists()


def test_the_shipped_corpora_are_listed_after_the_uploads(received):
    keep_upload(received("mine.csv", FAQ))
    keys = list(corpora())
    assert keys[0] == "uploads/mine.csv"
    assert "corpora/small-talk.en.yml" in keys
    assert not any("slots" in key or "README" in key for key in keys)


def test_only_uploads_can_be_deleted(received):
    key = keep_upload(received("mine.csv", FAQ))
    for each in (key, key, "corpora/small-talk.en.yml", "uploads/../saved_models", "nonsense"):
        forget_upload(each)
    assert key not in corpora()
    assert "corpora/small-talk.en.yml" in corpora()


# What is chosen


def test_a_choice_names_files_and_settings_that_the_command_line_takes(received, folder):
    key = keep_upload(received("mine.csv", FAQ))
    seen = look(Asked((key,)))
    assert seen.choice.paths == (str(folder / "mine.csv"),)
    assert seen.choice.settings == ("corpus.mask_private=true",)
    assert seen.columns == ("question", "answer")
    assert seen.guess == ("question", "answer")
    assert seen.pairs[0] == DialoguePair(("when does shop 0 open",), "at 0 sharp", "mine.csv:2")


@pytest.mark.parametrize("name", ["yes", "1", "a: b", '"q"', "Änne 😀", "null", "[x]", "#1"])
def test_whatever_a_column_or_speaker_is_called_the_setting_says_it(name):
    for setting in settings_of(Asked(message=name, speaker=name)):
        key, _, value = setting.partition("=")
        if not key.endswith("mask_private"):
            assert yaml.safe_load(value) == name


def test_other_columns_are_chosen_and_the_guess_needs_no_setting(received):
    rows = [f"{i},topic {i % 3},what about {i},it is {i}" for i in range(20)]
    key = keep_upload(received("t.csv", table(rows, "id,topic,question,answer")))
    other = look(Asked((key,), message="answer", reply="question", mask=False))
    assert other.pairs[0].history == ("it is 0",)
    config = with_settings(Config(), other.choice.settings).corpus
    assert (config.message_column, config.reply_column) == ("answer", "question")
    same = look(Asked((key,), message="question", reply="answer", mask=False))
    assert same.choice.settings == ()


def test_one_column_cannot_be_both(received):
    key = keep_upload(received("mine.csv", FAQ))
    with pytest.raises(CorpusError, match="'answer' cannot hold both"):
        look(Asked((key,), message="answer"))


def test_for_a_chat_one_chooses_whose_replies_are_learned(received):
    talk = [
        line
        for i in range(8)
        for line in (("Anna", f"question {i}"), ("Bob", f"answer {i}"), ("Bob", f"and more {i}"))
    ]
    rows = [f"c,{speaker},{text}" for speaker, text in talk]
    key = keep_upload(received("chat.csv", table(rows, "conversation_id,speaker,text")))
    everyone = look(Asked((key,)))
    assert {one.name for one in everyone.speakers} == {"Anna", "Bob"}
    assert everyone.replier == ""
    bob = look(Asked((key,), speaker="Bob"))
    assert {pair.reply for pair in bob.pairs} == {f"answer {i} and more {i}" for i in range(8)}
    apart = look(Asked((key,), speaker="Bob", join=False))
    assert "answer 0 and more 0" not in {pair.reply for pair in apart.pairs}


def test_the_first_pairs_are_masked_as_they_will_be_learned(received):
    rows = [f"mail of {i}?,write to bob{i}@example.com" for i in range(12)]
    key = keep_upload(received("m.csv", table(rows)))
    assert {p.reply for p in look(Asked((key,))).pairs} == {"write to [e-mail]"}
    assert look(Asked((key,), mask=False)).pairs[0].reply == "write to bob0@example.com"


def test_what_a_browser_kept_is_read_with_care(received):
    asked = Asked(("uploads/a.csv",), message="q", speaker="Bob", join=False, mask=False)
    assert Asked.read(asked.stored()) == asked
    for nonsense in (None, [], "x", {"keys": "abc", "join": 3}, {"keys": [1, None]}):
        assert Asked.read(nonsense) == Asked()


# How it is shown


def report(tmp_path, rows, **settings):
    path = tmp_path / "corpus.csv"
    path.write_text(table(rows), encoding="utf-8")
    return prepare_corpus([CorpusSource(path)], CorpusConfig(**settings)).report


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_of_a_corpus_is_read_as_html(tmp_path, language):
    rows = [f'{NASTY} {i},"<img src=x onerror=alert(1)> {i % 3} a@b.com <b>shit"' for i in range(9)]
    rows += [f"<i>why</i>,<u>{i}</u>" for i in range(7)]
    made = report(tmp_path, rows)
    pair = DialoguePair((NASTY, "<b>2"), "<img src=x>", "x:1")
    shown = report_html(made, language) + preview_html([pair], language)
    for tag in ("<script", "<img", "<i>", "<u>"):
        assert tag not in shown
    assert "&lt;script&gt;" in shown


def test_a_small_corpus_is_told_what_to_do_and_a_larger_one_is_not(tmp_path):
    small = report_html(report(tmp_path, [f"what is {i},it is {i}" for i in range(50)]), "en")
    assert "Only 50 pairs" in small
    assert "Start from a bot that can already talk" in small
    rows = [f"what is {i},it is {i}" for i in range(2100)]
    assert "Only" not in report_html(report(tmp_path, rows), "en")


def test_the_picture_of_lengths_can_be_read_without_seeing_it(tmp_path):
    shown = report_html(report(tmp_path, [f"one two three,four {i}" for i in range(20)]), "en")
    assert re.search(r'<svg[^>]* role="img" aria-labelledby="(\S+) (\S+)">', shown)
    assert "<title" in shown
    assert "Half of the messages have at most 3 words" in shown


def test_reasons_private_details_and_blocked_words_are_said_in_words(tmp_path):
    rows = [f"number {i},call 138 1234 5678 or {i} shit" for i in range(20)] + ["a,", "b,B"]
    plain = report_html(report(tmp_path, rows), "en")
    assert "20 telephone numbers" in plain
    assert "Not masked" in plain
    assert "1•• •••• ••78" in plain
    assert "nothing was said" in plain
    assert "the reply repeats the message" in plain
    assert "20 in replies, 0 in messages" in plain
    masked = report_html(report(tmp_path, rows, mask_private=True), "zh")
    assert "已遮盖" in masked
    assert "20 个电话号码" in masked


def test_reasons_and_formats_have_words_in_both_languages():
    assert [r for r in get_args(Reason) if f"corpus_reason_{r}" not in texts.EN] == []
    assert [f for f in FORMATS if f"corpus_format_{f}" not in texts.EN] == []
    assert set(texts.EN) == set(texts.ZH)


def test_a_report_is_made_once_and_anew_when_the_file_changes(received, folder):
    key = keep_upload(received("mine.csv", FAQ))
    choice = look(Asked((key,))).choice
    assert report_on(choice) is report_on(choice)
    more = FAQ + "one more,indeed\n"
    (folder / "mine.csv").write_text(more)
    assert report_on(choice).total.extracted == 31


# The panel's handlers


class Gate(OwnerGate):
    def is_owner(self, request):
        return bool(request and request.headers.get("owner"))


class FakeDesk:
    words, owner, fixed = staticmethod(str), Gate(), None
    language, say = Desk.language, Desk.say


def asking(owner=True, language="en"):
    headers = {"accept-language": language, **({"owner": "1"} if owner else {})}
    return SimpleNamespace(headers=headers)


@pytest.fixture
def panel():
    with gr.Blocks(analytics_enabled=False) as blocks:
        with gr.Tab("Train") as tab:
            made = CorpusPanel(FakeDesk())
            made.connect(tab)
        made.blocks = blocks
        yield made


def test_nobody_but_the_owner_is_answered(panel):
    handlers = [fn.fn for fn in panel.blocks.fns.values()]
    assert len(handlers) >= 8
    for handler in handlers:
        if handler.__name__ == "_not_read":  # says one fixed line
            continue
        with pytest.raises(gr.Error):
            handler(asking(owner=False), *([None] * 6))


def test_the_page_holds_no_data_before_the_owner_asks(panel, received):
    keep_upload(received("secret.csv", FAQ))
    with gr.Blocks(analytics_enabled=False) as blocks:
        CorpusPanel(FakeDesk())
    assert "secret" not in str(blocks.get_config_file())


def test_a_bad_file_is_one_line_and_is_not_kept(panel, received, folder):
    good, bad = received("good.csv", FAQ), received("bad.csv", "")
    binary = received("x.csv", "\x00\x01\x02" * 100)
    cleared, picked, _, _, problem = panel._take(asking(), [str(good), str(bad), str(binary)], [])
    assert cleared is None
    assert picked["value"] == ["uploads/good.csv"]
    assert problem.count("<p") == 2
    assert "bad.csv is empty" in problem
    assert [path.name for path in folder.iterdir()] == ["good.csv"]


def test_a_file_that_is_gone_is_one_line(panel, received, folder):
    key = keep_upload(received("mine.csv", FAQ))
    shutil.rmtree(folder)
    *_, preview, report_, choice, _ = panel._look(asking(), [key], None, None, None, True, True)
    assert "mine.csv is no longer there" in preview
    assert (report_, choice) == ("", None)

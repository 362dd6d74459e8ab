"""An owner brings conversations to the corpus panel, in a real browser."""

import csv
import re

import pytest
from playwright.sync_api import expect

from tests.browser.serving import ROOT, Server
from tests.browser.test_chat_page import expect_unnamed, fits_sideways

pytestmark = pytest.mark.browser
PROGRAM = ROOT / "tests" / "browser" / "corpus_server.py"
NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("corpus-home")


@pytest.fixture(scope="module")
def panel_server(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATBOT_HOME", str(home))
        with Server(program=PROGRAM) as running:
            yield running


@pytest.fixture
def open_panel(open_page, panel_server):
    """Opens the page and its tab as the owner."""

    def opened(size="desktop", **options):
        page = open_page(panel_server.url, size, **options)
        page.get_by_role("tab", name="Train").click()
        return page

    return opened


@pytest.fixture
def faq(tmp_path):
    """A table with a private detail in each row and HTML in one."""
    path = tmp_path / "shop faq.csv"
    rows = [[i, f"when does shop {i} open?", f"at {i}, mail s{i}@example.com"] for i in range(60)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["id", "question", "answer"], [99, NASTY, f"{NASTY} & more"], *rows]
        )
    return path


def upload(page, *paths):
    page.locator("#corpus-upload input[type=file]").set_input_files(paths)


def preview(page):
    return page.locator("#corpus-preview")


def report(page):
    return page.locator("#corpus-report")


def expect_chosen(page, *wanted):
    """Waits for what a training would get: names of files and settings."""
    for part in wanted:
        expect(page.locator("#chosen textarea")).to_have_value(re.compile(re.escape(part)))


@pytest.mark.parametrize("size", [pytest.param("desktop", marks=pytest.mark.story), "phone"])
def test_an_upload_shows_its_first_pairs_and_then_its_report(open_panel, faq, size):
    page = open_panel(size)
    upload(page, faq)
    expect(preview(page).get_by_role("row")).to_have_count(11)
    expect(preview(page)).to_contain_text("at 0, mail [e-mail]")
    expect(preview(page)).to_contain_text(NASTY)
    expect(report(page)).to_contain_text("61 pairs to learn from")
    expect(report(page)).to_contain_text("Only 61 pairs")
    expect(report(page)).to_contain_text("60 e-mail addresses")
    expect(
        report(page).get_by_role("img", name="How long messages and replies are")
    ).to_be_visible()
    expect_chosen(page, "shop_faq.csv", "corpus.mask_private=true")
    assert fits_sideways(page)
    expect_unnamed(page)


def test_an_upload_is_masked_at_will_kept_over_a_reload_and_deleted_for_good(
    open_panel, faq, home, expected_errors
):
    expected_errors += ["signal is aborted", "errored out"]  # the stream that is left
    page = open_panel()
    upload(page, faq)
    expect(report(page)).to_contain_text("61 pairs")
    expect(report(page)).to_contain_text("Masked: the bot never sees them.")
    # The masking switch changes pairs, report and choice.
    page.get_by_role("checkbox", name="Mask private details").uncheck()
    expect(preview(page)).to_contain_text("s0@example.com")
    expect(report(page)).to_contain_text("Not masked")
    expect(page.locator("#chosen textarea")).not_to_have_value(re.compile("mask_private"))
    # A reload loses nothing.
    page.reload()
    page.get_by_role("tab", name="Train").click()
    expect(preview(page)).to_contain_text("s0@example.com")
    expect(page.get_by_role("checkbox", name="Mask private details")).not_to_be_checked()
    expect(report(page)).to_contain_text("61 pairs")
    expect_chosen(page, "shop_faq.csv")
    # A shipped corpus is chosen beside it.
    page.get_by_label("What the bot learns from").click()
    page.get_by_role("option", name=re.compile(r"faq\.en\.yml")).click()
    expect_chosen(page, "shop_faq.csv", "corpora/faq.en.yml")
    expect(preview(page)).to_contain_text("faq.en.yml was read as")
    expect(report(page)).not_to_contain_text("Only 61 pairs")
    page.keyboard.press("Escape")
    assert (home / "uploads" / "shop_faq.csv").exists()
    page.get_by_role("button", name="Delete uploads").click()
    page.get_by_role("checkbox", name="shop_faq.csv").check()
    page.get_by_role("button", name="Delete them for good").click()
    expect(page.locator("#chosen textarea")).not_to_have_value(re.compile("shop_faq"))
    expect(page.get_by_role("checkbox", name="shop_faq.csv")).to_have_count(0)
    assert not (home / "uploads" / "shop_faq.csv").exists()


def test_a_bad_file_is_one_line_and_the_columns_of_a_good_one_can_be_chosen(
    open_panel, faq, tmp_path, home, expected_errors
):
    expected_errors += ["status of 413"]
    large, bad, one_column = (tmp_path / f"{name}.csv" for name in ("large", "bad", "one"))
    large.write_text("question,answer\n" + "a,b\n" * 400_000)
    bad.write_bytes(b"\x00\x01\x02\x03" * 1000)
    one_column.write_text("hello\n" * 30)
    page = open_panel()
    upload(page, large)
    expect(page.get_by_test_id("toast-body")).to_contain_text(re.compile("size|large", re.I))
    page.get_by_test_id("toast-close").click()
    upload(page, bad, one_column)
    problem = page.locator("#corpus-problem [role=alert]")
    expect(problem).to_have_count(2)
    expect(problem.first).to_contain_text("bad.csv is binary, not text.")
    # The page stays usable.
    upload(page, faq)
    expect(report(page)).to_contain_text("61 pairs")
    expect(problem).to_have_count(0)
    assert not (home / "uploads" / "bad.csv").exists()
    # Columns are guessed.
    column = page.get_by_label("Column of messages")
    expect(column).to_have_value("question")
    expect(page.get_by_label("Column of replies")).to_have_value("answer")
    column.click()
    page.get_by_role("option", name="answer").click()
    expect(preview(page).get_by_role("alert")).to_contain_text("cannot hold both")
    expect(page.locator("#chosen textarea")).to_have_value("nothing")
    reply = page.get_by_label("Column of replies")
    reply.click()
    page.get_by_role("option", name="question").click()
    expect(preview(page).get_by_role("row").nth(2)).to_contain_text(
        re.compile(r"at 0.*when does shop 0 open", re.DOTALL)
    )
    expect_chosen(page, 'corpus.message_column="answer"', 'corpus.reply_column="question"')


def test_for_a_chat_one_chooses_whose_replies_are_learned(open_panel, tmp_path):
    path = tmp_path / "WhatsApp Chat with Anna.txt"
    lines = ["12/31/23, 9:15 PM - Messages and calls are end-to-end encrypted."]
    for i in range(20):
        lines += [
            f"12/31/23, 9:{20 + i} PM - Anna: question {i}",
            f"12/31/23, 9:{20 + i} PM - Bob: answer {i}",
            f"12/31/23, 9:{20 + i} PM - Bob: and more {i}",
        ]
    path.write_text("\n".join(lines), encoding="utf-8")
    page = open_panel()
    upload(page, path)
    expect(preview(page)).to_contain_text("WhatsApp")
    who = page.get_by_label("Whose replies the bot learns")
    expect(who).to_have_value("Everyone’s")
    expect(preview(page)).to_contain_text("question 1")
    who.click()
    page.get_by_role("option", name="Bob").click()
    expect(preview(page).get_by_role("row").nth(1)).to_contain_text("answer 0 and more 0")
    expect_chosen(page, 'corpus.reply_speaker="Bob"')
    page.get_by_role("checkbox", name="Join what one person writes").uncheck()
    expect_chosen(page, "corpus.join_turns=false")


@pytest.mark.story
def test_the_panel_speaks_chinese(open_panel, faq):
    page = open_panel("phone", locale="zh-CN")
    expect(preview(page)).to_contain_text("最前面的几对对话")
    upload(page, faq)
    expect(report(page)).to_contain_text("61 对可以学习")
    expect(page.get_by_role("checkbox", name="遮盖隐私信息")).to_be_checked()
    assert fits_sideways(page)


def test_a_visitor_gets_nothing_from_the_panel(open_page, panel_server, faq, expected_errors):
    expected_errors.append("status of 500")  # how Gradio answers a refused event without a queue
    page = open_page(panel_server.url, extra_http_headers={"visitor": "yes"})
    page.get_by_role("tab", name="Train").click()
    upload(page, faq)
    expect(page.get_by_test_id("toast-body").first).to_be_visible()
    expect(preview(page)).not_to_contain_text("shop")
    expect(page.locator("#chosen textarea")).to_have_value("nothing")

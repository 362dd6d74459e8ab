"""What docs/handbook.md and its Chinese twin say is true: code, commands, figures, links."""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {
    name: (DOCS / name).read_text(encoding="utf-8") for name in ("handbook.md", "handbook.zh.md")
}
ENGLISH, CHINESE = PAGES.values()
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
QUOTE = re.compile(
    r"\[`([\w/]+\.py)`\]\(\.\./\1\)[,，] ?`([\w.]+)`[:：]\n\n```python\n(.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
QUOTES = QUOTE.findall(ENGLISH)


def blocks(page, language):
    return [text for kind, text in FENCE.findall(page) if kind == language]


def slug(title):
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each shell block prints, all of them run in one session as they are written."""
    if not shutil.which("bash"):
        pytest.skip("the page is written for a shell")
    shell = blocks(ENGLISH, "sh")
    marked = [f"echo '@@@ {i}'\n{block}" for i, block in enumerate(shell)]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path_factory.mktemp("handbook")),
        "PYTHONIOENCODING": "utf-8",
    }
    environment.pop("CHATBOT_HOME", None)  # the page gives itself one
    started = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", "set -eo pipefail\n" + "".join(marked)],
        cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    told = re.split(r"^@@@ \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    print(f"{len(told)} blocks in {time.monotonic() - started:.0f} seconds")
    assert done.returncode == 0, (
        f"{shell[len(told) - 1]}\n{done.stdout[-500:]}{done.stderr[-3000:]}"
    )
    return told


@pytest.mark.parametrize(("file", "where", "code"), QUOTES, ids=[f"{q[0]}-{q[1]}" for q in QUOTES])
def test_a_quoted_line_stands_in_the_function_that_is_named(file, where, code):
    source = (ROOT / file).read_text(encoding="utf-8")
    node = ast.parse(source)
    for name in where.split("."):
        [node] = [n for n in node.body if getattr(n, "name", None) == name]
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    quoted = code.splitlines()
    runs = (lines[i : i + len(quoted)] for i in range(len(lines)))
    assert any(textwrap.dedent("\n".join(run)) == "\n".join(quoted) for run in runs)


def test_every_python_block_is_a_quotation():
    assert len(QUOTES) == len(blocks(ENGLISH, "python")) > 40


@pytest.mark.story
@pytest.mark.timeout(900)
def test_every_command_runs_as_it_is_written(outputs):
    assert len(outputs) == len(blocks(ENGLISH, "sh"))


@pytest.mark.story
@pytest.mark.timeout(900)
def test_what_a_command_is_said_to_print_is_printed(outputs):
    last, checked = -1, 0
    for kind, text in FENCE.findall(ENGLISH):
        last += kind == "sh"
        if kind == "text":
            assert text in outputs[last]
            checked += 1
    assert checked == len(blocks(ENGLISH, "text")) > 20


def test_both_pages_hold_the_same_code_commands_formulas_and_figures():
    for language in ("sh", "python", "text", "math"):
        assert blocks(ENGLISH, language) == blocks(CHINESE, language)
    assert QUOTE.findall(CHINESE) == QUOTES
    for pattern in (r"images/[\w-]+\.svg", r"arXiv:\d{4}\.\d{5}"):
        assert re.findall(pattern, ENGLISH) == re.findall(pattern, CHINESE)


def test_both_pages_have_the_same_sections():
    levels = [re.findall(r"^(#+ (?:\d+\.)?)", page, re.MULTILINE) for page in PAGES.values()]
    assert levels[0] == levels[1]
    numbers = [int(number) for number in re.findall(r"^### (\d+)\.", ENGLISH, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    each = [re.split(r"^#+ ", page, flags=re.MULTILINE) for page in PAGES.values()]
    for english, chinese in zip(*each, strict=True):
        kinds = [[kind for kind, _ in FENCE.findall(section)] for section in (english, chinese)]
        assert kinds[0] == kinds[1]
        if re.match(r"\d+\.", english):
            assert {"python", "math"} <= set(kinds[0])
            assert "Source: " in english


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    page = PAGES[name]
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", page), re.MULTILINE)
    anchors = {slug(title) for title in titles}
    links = re.findall(r"\]\(([^)]+)\)", FENCE.sub("", page))
    assert len(links) > len(QUOTES)
    for link in links:
        assert link[1:] in anchors if link.startswith("#") else (DOCS / link).is_file(), link


def test_the_figures_are_small():
    for name in set(re.findall(r"images/handbook-[\w-]+\.svg", ENGLISH)):
        assert (DOCS / name).stat().st_size < 60_000

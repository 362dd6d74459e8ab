"""Starting the app imports only what the page needs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["app", "chatbot.ui.server", "chatbot.ui.page"])
def test_the_page_is_there_before_tensorflow_is(module):
    code = f"import sys, {module}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("module", ["app", "chatbot.ui.server"])
def test_reading_the_command_line_needs_no_gradio(module):
    code = f"import sys, {module}; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_gradio_does_nothing_for_editors_while_it_starts():
    code = (
        "import sys, chatbot.ui.page, gradio as gr; "
        "from gradio import component_meta as meta, events; "
        "left_out = {meta.create_or_modify_pyi, events.EventListener.set_doc}; "
        "sys.exit({one.__module__ for one in left_out} != {'chatbot.ui.lean'})"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

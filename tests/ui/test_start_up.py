"""Starting the app imports only what the page needs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imports(package, *modules):
    """Tells whether a fresh Python that imports the modules has the package too."""
    code = f"import sys, {', '.join(modules)}; sys.exit({package!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True)
    assert not done.stderr
    return done.returncode == 1


def test_the_page_is_there_before_tensorflow_is():
    assert not imports("tensorflow", "app", "chatbot.ui.server", "chatbot.ui.page")


def test_reading_the_command_line_needs_no_gradio():
    assert not imports("gradio", "app", "chatbot.ui.server")


def test_gradio_does_nothing_for_editors_while_it_starts():
    code = (
        "import sys, chatbot.ui.page, gradio as gr; "
        "from gradio import component_meta as meta, events; "
        "left_out = {meta.create_or_modify_pyi, events.EventListener.set_doc}; "
        "sys.exit({one.__module__ for one in left_out} != {'chatbot.ui.lean'})"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

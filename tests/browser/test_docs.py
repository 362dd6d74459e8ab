"""The examples of docs/api.md are run as they are written, against a served page."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.browser.serving import ROOT

API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def example(language, server):
    [code] = re.findall(rf"```{language}\n(.*?)```", API, re.DOTALL)
    return code.replace("http://127.0.0.1:7860/", server.url)


def test_the_python_example_talks_and_streams(server):
    command = [sys.executable, "-c", example("python", server)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "You said: Hello! (1)"
    assert lines[-1] == "You said: Fine, and you? (3)"
    assert len(lines) > 3


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_http_example_ends_with_the_whole_reply(server):
    command = ["bash", "-c", example("sh", server)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    [*_, last] = re.findall(r"^data: (.*)$", told, re.MULTILINE)
    assert last == '["You said: Hello! (1)"]'


def test_the_table_names_the_arguments_as_they_are(server):
    command = ["bash", "-c", f"curl -s {server.url}gradio_api/info"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in re.findall(r"^\| `(\w+)` \|", API, re.MULTILINE):
        assert f'"parameter_name":"{name}"' in told.replace(" ", "")

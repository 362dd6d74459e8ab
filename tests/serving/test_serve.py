"""`python -m chatbot serve`: the API and the page at one address, ended without losing a reply."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from chatbot.cli import main
from tests.browser.serving import ROOT, Server

LAUNCHER = Path(__file__).parent / "serve_verb.py"


@pytest.fixture(scope="module")
def server(tiny_bundle, tmp_path_factory):
    home = tmp_path_factory.mktemp("served")
    shutil.copytree(tiny_bundle, home / "saved_models" / "tiny")
    key = {"CHATBOT_API_KEY": "sesame"}
    with Server(program=LAUNCHER, home=home, environment=key) as running:
        yield running


def test_the_api_stands_beside_the_page_and_sets_no_cookie(server):
    assert "/v1" in server.line("Programs ask at")
    ask = {"model": "tiny", "messages": [{"role": "user", "content": "Hello!"}]}
    headers = {"Authorization": "Bearer sesame"}
    answered = httpx.post(f"{server.url}v1/chat/completions", json=ask, headers=headers, timeout=60)
    assert answered.status_code == 200
    assert answered.json()["choices"][0]["message"]["content"]
    assert "set-cookie" not in answered.headers
    assert httpx.get(f"{server.url}v1/models").status_code == 401
    assert httpx.get(f"{server.url}healthz").json()["ready"] == ["tiny"]
    assert "<html" in httpx.get(server.url).text
    foreign = httpx.get(f"{server.url}healthz", headers={"Host": "example.org"})
    assert foreign.status_code == 421


def test_the_examples_of_the_document_run_as_written(server):
    document = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    code = code.replace("http://127.0.0.1:7860/", server.url).replace('"english"', '"tiny"')
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    models, reply, streamed = told.stdout.splitlines()
    assert models == "['tiny']"
    assert reply == streamed != ""


def test_a_signal_ends_it(server):
    """The last of those that ask this server."""
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0


def test_an_empty_key_is_one_line(capsys):
    assert main(["serve", "--api-key", " "]) == 2
    assert capsys.readouterr().err.startswith("Error: The API key is empty.")

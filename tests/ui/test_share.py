"""A public link is asked for in the background; whatever comes of it is one line."""

import os
import queue
import re
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from gradio import networking, tunneling
from gradio_client import Client

from chatbot.ui.server import share_page
from chatbot.ui.share import ShareOutcome, share_in_background
from tests.browser.serving import Server

FAKE = Path(__file__).parent / "fake_frpc.py"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake frpc is a script")


@pytest.fixture
def frpc(tmp_path, monkeypatch):
    """Puts the fake where Gradio keeps frpc, here and for programs started from here."""
    program = tmp_path / "gradio" / "frpc" / tunneling.BINARY_FILENAME
    program.parent.mkdir(parents=True)
    shebang, rest = FAKE.read_text().split("\n", 1)
    program.write_text(f"#!{sys.executable}\n{rest}")
    program.chmod(0o755)
    assert shebang.startswith("#!")
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(program))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("GRADIO_SHARE_SERVER_ADDRESS", "127.0.0.1:7000")
    monkeypatch.setenv("FAKE_FRPC_PID", str(tmp_path / "frpc.pid"))
    return program


def outcome_of(seconds=5.0):
    """Returns what sharing came to, and how long it took."""
    outcomes = queue.Queue()
    started = time.monotonic()
    close = share_in_background(7860, outcomes.put, seconds)
    assert time.monotonic() - started < 0.5
    outcome = outcomes.get(timeout=seconds + 2)
    close()
    return outcome, time.monotonic() - started


def frpc_is_gone(tmp_path):
    pid = int((tmp_path / "frpc.pid").read_text())
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("refuse", "refused"), ("exit", "ended at once")],
)
def test_a_tunnel_that_fails_is_told_at_once_with_the_other_ways_in(
    frpc, tmp_path, monkeypatch, mode, reason
):
    monkeypatch.setenv("FAKE_FRPC", mode)
    outcome, seconds = outcome_of()
    assert outcome.url is None
    assert reason in outcome.reason
    assert seconds < 3
    assert frpc_is_gone(tmp_path)
    line = outcome.line(7860)
    assert all(way in line for way in ("--host 0.0.0.0", "ssh -R 8080:localhost:7860", "Space"))
    assert "\n" not in line


def test_a_silent_tunnel_is_given_up_in_time_and_ended(frpc, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_FRPC", "silent")
    outcome, seconds = outcome_of(seconds=1.0)
    assert "did not answer in 1 seconds" in outcome.reason
    assert seconds < 2
    assert frpc_is_gone(tmp_path)


def test_without_a_network_there_is_a_line_and_nothing_started(frpc, tmp_path, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.delenv("GRADIO_SHARE_SERVER_ADDRESS")
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        monkeypatch.setattr(networking, "GRADIO_API_SERVER", address)
        outcome, _ = outcome_of()
    assert "cannot be reached" in outcome.reason
    assert not (tmp_path / "frpc.pid").exists()


def test_a_program_that_cannot_run_is_a_line(frpc):
    frpc.chmod(0o644)
    outcome, _ = outcome_of()
    assert "does not start (Permission denied)" in outcome.reason


def test_a_link_is_told_with_its_host():
    outcome = ShareOutcome("https://abc.gradio.live")
    assert outcome.host == "abc.gradio.live"
    assert outcome.line(7860).startswith("Public link: https://abc.gradio.live")


def test_a_visitor_chats_through_the_link_and_nothing_is_left_at_the_end(frpc, tmp_path):
    with Server("--share") as server:
        link = server.line("Public link: ").split()[2]
        client = Client(link, verbose=False)
        assert client.predict("hello", api_name="/chat") == "You said: hello (1)"
        assert httpx.get(server.url).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
    assert frpc_is_gone(tmp_path)


def test_the_page_answers_to_the_name_of_its_link_from_then_on(frpc, monkeypatch, capsys):
    monkeypatch.setenv("FAKE_FRPC_HOST", "abc.shared.example")
    hosts, told = {"localhost"}, threading.Event()
    close = share_page(7860, hosts, told.set)
    assert told.wait(5)
    close()
    assert hosts == {"localhost", "abc.shared.example"}
    assert capsys.readouterr().out.startswith("Public link: http://abc.shared.example")


def test_the_local_page_stays_up_when_sharing_fails(frpc, monkeypatch):
    monkeypatch.setenv("FAKE_FRPC", "refuse")
    with Server("--share") as server:
        assert re.search("refused.*--host", server.line("No public link"))
        assert httpx.get(server.url).status_code == 200
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 130

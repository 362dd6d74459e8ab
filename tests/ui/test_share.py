"""A public link is asked for in the background; whatever comes of it is one line."""

import os
import queue
import re
import signal
import socket
import time

import httpx
import pytest
from gradio import networking, tunneling
from gradio_client import Client

from chatbot.ui.owner import OwnerGate
from chatbot.ui.share import ShareOutcome, Sharing, share_in_background
from chatbot.ui.share_tab import qr_code
from tests.browser.serving import Server
from tests.ui.owners import owner_request
from tests.ui.relay import install_frpc

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake frpc is a script")


@pytest.fixture
def frpc(tmp_path, monkeypatch):
    """Puts the fake where Gradio keeps frpc, here and for programs started from here."""
    program, environment = install_frpc(tmp_path)
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(program))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
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


def is_written(path):
    """A file is there before what it holds is."""
    return path.exists() and path.read_text() != ""


def frpc_is_gone(tmp_path):
    pid = int((tmp_path / "frpc.pid").read_text())
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


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
    assert reason in outcome.reason()
    assert seconds < 3
    assert frpc_is_gone(tmp_path)
    line = outcome.line(7860)
    assert all(way in line for way in ("--host 0.0.0.0", "ssh -R 8080:localhost:7860", "Space"))
    assert "\n" not in line


def test_a_silent_tunnel_is_given_up_in_time_and_ended(frpc, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_FRPC", "silent")
    outcome, seconds = outcome_of(seconds=1.0)
    assert "did not answer in 1 seconds" in outcome.reason()
    assert "1 秒" in outcome.reason("zh")
    assert seconds < 2
    assert frpc_is_gone(tmp_path)


def test_without_a_network_there_is_a_line_and_nothing_started(frpc, tmp_path, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.delenv("GRADIO_SHARE_SERVER_ADDRESS")
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        monkeypatch.setattr(networking, "GRADIO_API_SERVER", address)
        outcome, _ = outcome_of()
    assert "cannot be reached" in outcome.reason()
    assert not (tmp_path / "frpc.pid").exists()


def test_a_program_that_cannot_run_is_a_line(frpc):
    frpc.chmod(0o644)
    outcome, _ = outcome_of()
    assert "does not start (Permission denied)" in outcome.reason()


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
        assert server.process.wait(40) == 0
    assert frpc_is_gone(tmp_path)


def test_the_page_answers_to_the_name_of_its_link_while_it_is_open(frpc, monkeypatch):
    monkeypatch.setenv("FAKE_FRPC_HOST", "abc.shared.example")
    hosts, gate, told = {"localhost"}, OwnerGate(password="p"), []
    sharing = Sharing(7860, hosts=hosts, public=gate.public)
    sharing.start(told.append)
    assert sharing.wait(5).stage == "open"
    assert sharing.is_public
    assert hosts == {"localhost", "abc.shared.example"}
    assert not gate.is_owner(owner_request(gate, host="abc.shared.example"))
    sharing.stop()
    assert hosts == {"localhost"}
    assert (sharing.state.stage, sharing.state.url, sharing.is_public) == ("off", "", False)
    assert not gate.is_owner(owner_request(gate, host="abc.shared.example"))
    assert [outcome.host for outcome in told] == ["abc.shared.example"]


def test_a_link_is_asked_for_once_and_can_be_asked_for_again(frpc, tmp_path):
    sharing = Sharing(7860)
    sharing.start()
    sharing.start()
    assert sharing.state.stage in ("asking", "open")
    first = sharing.wait(5).url
    sharing.start()
    assert sharing.state.url == first
    sharing.stop()
    assert frpc_is_gone(tmp_path)
    sharing.start()
    assert sharing.wait(5).url
    sharing.stop()
    assert frpc_is_gone(tmp_path)


def test_a_link_closed_while_it_is_asked_for_never_opens(frpc, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_FRPC", "silent")
    told = []
    sharing = Sharing(7860, seconds=0.5)
    sharing.start(told.append)
    wait_for(lambda: is_written(tmp_path / "frpc.pid"))
    sharing.stop()
    assert frpc_is_gone(tmp_path)
    time.sleep(0.7)  # the time it would have been given up after
    assert (told, sharing.state.stage) == ([], "off")


def test_a_link_that_ends_by_itself_is_said(frpc, tmp_path):
    hosts = set()
    sharing = Sharing(7860, hosts=hosts)
    sharing.start()
    assert sharing.wait(5).stage == "open"
    os.kill(int((tmp_path / "frpc.pid").read_text()), signal.SIGKILL)
    wait_for(lambda: sharing.state.stage == "failed")
    assert "ended by itself" in sharing.state.outcome.reason()
    assert not sharing.is_public


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("https://abc.gradio.live", {"abc.gradio.live"}),
        ("http://abc.example:8080", {"abc.example"}),
        ("http://127.0.0.1:4000", {"127.0.0.1:4000", "localhost:4000", "[::1]:4000"}),
        (None, set()),
    ],
)
def test_a_link_is_known_by_its_name_or_on_this_machine_by_its_port(url, addresses):
    assert ShareOutcome(url).addresses == addresses


def test_strangers_read_no_blocked_words_unless_the_owner_says_so():
    alone, reachable = Sharing(), Sharing(reachable=True)
    assert alone.blocked("en") == ()
    assert "fuck" in reachable.blocked("en")
    assert "傻逼" in reachable.blocked("zh")
    reachable.block_list = False
    assert reachable.blocked("en") == ()


def test_a_qr_code_has_a_name_and_holds_the_whole_code():
    from qrcode.main import QRCode

    image = qr_code("https://abc.gradio.live", 'Code "A" <b>')
    assert 'role="img" aria-label="Code &quot;A&quot; &lt;b&gt;"' in image
    code = QRCode(border=4)
    code.add_data("https://abc.gradio.live")
    assert image.count("h1v1h-1z") == sum(map(sum, code.get_matrix()))


def test_the_local_page_stays_up_when_sharing_fails(frpc, monkeypatch):
    monkeypatch.setenv("FAKE_FRPC", "refuse")
    with Server("--share") as server:
        assert re.search("refused.*--host", server.line("No public link"))
        assert httpx.get(server.url).status_code == 200
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(40) == 130

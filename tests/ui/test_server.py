"""Where the page is served, and who opens it."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from gradio import blocks
from gradio_client import Client

import app
from chatbot.errors import ConfigError
from chatbot.ui.server import (
    Beside,
    OwnerLinks,
    ServeOptions,
    _beside,
    chosen_host,
    chosen_owner_password,
    chosen_port,
    fetch_nothing,
    opens_browser,
    password_check,
)
from tests.browser.serving import Server

LOCAL = "127.0.0.1"


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind((LOCAL, 0))
        other.listen()
        yield other.getsockname()[1]


def test_only_this_machine_sees_the_page_by_default():
    assert chosen_host(None, {}) == LOCAL


def test_a_space_is_reachable_from_outside():
    assert chosen_host(None, {"SPACE_ID": "me/bot"}) == "0.0.0.0"


def test_the_option_goes_before_the_environment():
    environment = {"GRADIO_SERVER_NAME": "10.0.0.1", "SPACE_ID": "me/bot"}
    assert chosen_host(None, environment) == "10.0.0.1"
    assert chosen_host("localhost", environment) == "localhost"


def test_a_given_port_that_is_taken_is_one_clear_line(taken):
    with pytest.raises(ConfigError, match=f"{taken}: another program uses this port") as error:
        chosen_port(LOCAL, taken, {})
    assert "--port" in str(error.value)


def test_a_port_from_the_environment_counts_as_given(taken):
    with pytest.raises(ConfigError, match="another program"):
        chosen_port(LOCAL, None, {"GRADIO_SERVER_PORT": str(taken)})


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_there_are_ports_only_from_1_to_65535(port):
    with pytest.raises(ConfigError, match=f"no port {port}"):
        chosen_port(LOCAL, port, {})


def test_a_word_in_the_environment_is_no_port():
    with pytest.raises(ConfigError, match="GRADIO_SERVER_PORT is 'x'"):
        chosen_port(LOCAL, None, {"GRADIO_SERVER_PORT": "x"})


def test_a_host_that_is_not_this_machine_is_one_clear_line():
    with pytest.raises(ConfigError, match=r"Cannot serve at 192.0.2.1.*--host"):
        chosen_port("192.0.2.1", None, {})


def test_a_taken_default_port_is_said_and_the_next_one_used(monkeypatch, capsys, taken):
    monkeypatch.setattr("chatbot.ui.server._FIRST_PORT", taken)
    assert chosen_port(LOCAL, None, {}) > taken
    assert f"Port {taken} is taken" in capsys.readouterr().out


def test_a_busy_port_ends_the_app_with_status_2_and_one_line(taken, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("chatbot.ui.server.shelf_of_bundles", lambda model: None)
    assert app.main(["--port", str(taken), "--no-browser"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("Error: Cannot serve")
    assert captured.err.count("\n") == 1


def test_an_unknown_model_ends_the_app_with_status_2(capsys):
    assert app.main(["--model", "no-such-model", "--no-browser"]) == 2
    assert "There is no model 'no-such-model'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "environment", "terminal", "opens"),
    [
        (ServeOptions(), {"DISPLAY": ":0"}, True, True),
        (ServeOptions(browser=False), {"DISPLAY": ":0"}, True, False),
        (ServeOptions(), {"DISPLAY": ":0", "CI": "true"}, True, False),
        (ServeOptions(), {"DISPLAY": ":0", "SSH_CONNECTION": "1"}, True, False),
        (ServeOptions(), {"DISPLAY": ":0"}, False, False),
        (ServeOptions(), {}, True, False),
    ],
)
def test_the_browser_opens_only_where_somebody_sits(
    monkeypatch, options, environment, terminal, opens
):
    monkeypatch.setattr("sys.platform", "linux")
    assert opens_browser(options, environment, terminal=terminal) is opens


def test_any_name_with_the_right_password_gets_in():
    check = password_check("käse", pause=0)
    assert check("anyone", "käse")
    assert not check("anyone", "kase")
    assert not check("anyone", "")
    assert not check("anyone", "\ud800")


# --- the owner's ways in -------------------------------------------------------------------


def test_the_owners_password_comes_from_the_option_or_the_environment_and_leaves_the_latter():
    environment = {"CHATBOT_OWNER_PASSWORD": "kept"}
    assert chosen_owner_password("given", environment) == "given"
    assert environment == {}
    assert chosen_owner_password(None, {"CHATBOT_OWNER_PASSWORD": "kept"}) == "kept"
    assert chosen_owner_password(None, {}) == ""


@pytest.mark.parametrize("password", ["", "  "])
def test_an_empty_password_is_one_clear_line(password, capsys):
    assert app.main(["--owner-password", password, "--no-browser"]) == 2
    assert capsys.readouterr().err.startswith("Error: The owner's password is empty.")


@pytest.mark.parametrize("limit", ["-1", "many", "1.5", "10001"])
def test_a_limit_is_a_whole_number(limit, capsys):
    with pytest.raises(SystemExit) as left:
        app.options_of(["--limit", limit])
    assert left.value.code == 2
    assert "is no number from 0" in capsys.readouterr().err


def test_records_that_cannot_be_reached_end_the_app_with_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    url = f"sqlite:///{tmp_path}/file/records.db"
    assert app.main(["--store", url, "--no-browser"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("Error: ")
    assert told.count("\n") == 1


def test_the_same_link_is_not_printed_again_and_again(capsys):
    now, token = [0.0], ["one"]
    links = OwnerLinks("http://127.0.0.1:7860", lambda: token[0], lambda: now[0])
    for _ in range(3):
        links.show()
    token[0] = "two"  # the first was spent
    links.show()
    links.show()
    now[0] += 60
    links.show()
    tokens = re.findall(r"owner=(\w+)", capsys.readouterr().out)
    assert tokens == ["one", "two", "two"]


@pytest.fixture(scope="module")
def network():
    """A page for the network, where a visitor may send two messages a minute."""
    with Server("--host", "0.0.0.0", "--limit", "2") as running:
        yield running


def test_a_page_for_the_network_says_what_the_owner_needs_and_serves_this_machine(network):
    assert "--owner-password" in network.line("Without an owner's password")
    assert network.line("On your network")
    cookies = network.owner_cookies()
    owner = httpx.get(f"{network.url}owner", cookies=cookies)
    assert "You are the owner" in owner.text
    elsewhere = {"host": f"{socket.gethostname()}:7860"}
    refused = httpx.get(f"{network.url}owner", cookies=cookies, headers=elsewhere)
    assert "no owner&#x27;s password" in refused.text


def call(client, url, *data):
    """Asks the API by plain HTTP and returns what it ends with."""
    event = client.post(f"{url}gradio_api/call/chat", json={"data": list(data)}).json()
    return client.get(f"{url}gradio_api/call/chat/{event['event_id']}", timeout=30).text


def test_the_limit_holds_for_programs_and_plain_http_but_not_for_the_owner(network):
    client = Client(network.url, verbose=False)  # keeps the session it is given
    replies = [client.predict("hi", api_name="/chat") for _ in range(2)]
    assert len(replies) == 2
    with pytest.raises(Exception, match="2 messages a minute"):
        client.predict("hi", api_name="/chat")
    with httpx.Client() as another:
        another.get(network.url)
        told = [call(another, network.url, "hi", None, None, "") for _ in range(3)]
    assert ["You said" in one for one in told] == [True, True, False]
    assert "2 messages a minute" in told[-1]
    with httpx.Client(cookies=network.owner_cookies()) as owner:
        told = [call(owner, network.url, "hi", None, None, "") for _ in range(3)]
    assert all("You said" in one for one in told)


def test_a_space_prints_no_link_and_takes_the_password_over_https_alone():
    environment = {"SPACE_ID": "me/bot", "CHATBOT_OWNER_PASSWORD": "open sesame"}
    with Server(environment=environment) as server:
        assert server.line("The owner's password is asked for at")
        server.line("The bot echo is ready")
        with pytest.raises(AssertionError):
            server.line("Owner's link", seconds=0.1)
        with httpx.Client(headers={"host": "me-bot.hf.space"}) as client:
            form = client.get(f"{server.url}owner")
            session = form.headers["set-cookie"]
            assert "SameSite=None; Secure; Partitioned" in session
            proof = re.search('name="proof" value="([^"]+)"', form.text)[1]
            fields = {"proof": proof, "password": "open sesame"}
            cookie = {"cookie": session.split(";")[0]}
            entered = client.post(f"{server.url}owner", data=fields, headers=cookie)
        assert entered.status_code == 303
        assert "SameSite=Strict; Secure" in entered.headers["set-cookie"]


@pytest.mark.soak  # two servers; test_owner.py sees key and cookie outlive a restart
@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_the_owner_stays_the_owner_after_a_restart(tmp_path):
    with Server(home=tmp_path) as server:
        cookies = server.owner_cookies()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(40) == 0
    with Server(home=tmp_path) as server:
        assert "You are the owner" in httpx.get(f"{server.url}owner", cookies=cookies).text


def test_an_address_in_place_of_a_file_is_not_fetched():
    fetch_nothing()  # in a page this happens before its first event
    with pytest.raises(ValueError, match="nothing is fetched"):
        asyncio.run(blocks.processing_utils.async_ssrf_protected_download("https://x.org/", "."))


@pytest.mark.parametrize("asks_key", [True, False])
def test_a_public_link_leads_to_what_is_beside_the_page_only_with_a_key(asks_key):
    other = Beside(None, ("/v1/",), str, lambda: None, asks_key)
    refused = _beside(other, {"abc.gradio.live"}.__contains__).kwargs["refused"]
    assert refused("abc.gradio.live") is not asks_key
    assert not refused("127.0.0.1:7860")


@pytest.mark.parametrize("chosen", [None, "3"])
def test_products_leave_the_processor_to_visitors_but_not_those_of_a_training(chosen):
    """NumPy's library reads this once, when it is loaded."""
    code = (
        "import os, sys; import chatbot.ui; assert 'numpy' not in sys.modules\n"
        "from chatbot.ui.processes import environment; name = 'OPENBLAS_NUM_THREADS'\n"
        "print(os.environ[name], environment().get(name))"
    )
    given = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    given |= {"OPENBLAS_NUM_THREADS": chosen} if chosen else {}
    done = subprocess.run(
        [sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [chosen or "1", str(chosen)]


def test_threads_of_a_page_take_short_turns():
    code = "import sys; get = sys.getswitchinterval; before = get(); import chatbot.ui\n"
    code += "print(before / get())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(5)

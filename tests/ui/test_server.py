"""Where the page is served, and who opens it."""

import socket

import pytest

import app
from chatbot.errors import ConfigError
from chatbot.ui.server import (
    ServeOptions,
    chosen_host,
    chosen_port,
    opens_browser,
    password_check,
)

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

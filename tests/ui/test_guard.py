"""Headers on every answer, and the host names that get one."""

import asyncio
import json

import pytest

from chatbot.ui.guard import FirstScript, Guard, OtherPaths, host_name

PAGE = b"<html><head><title>x</title></head></html>"


async def application(scope, receive, send):
    kind = scope["path"].strip("/").encode() or b"text/html"
    headers = [(b"content-type", kind), (b"content-length", str(len(PAGE)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE})


def ask(app, path="/", host="127.0.0.1:7860"):
    events = []

    async def send(event):
        events.append(event)

    headers = [] if host is None else [(b"host", host.encode())]
    asyncio.run(app({"type": "http", "path": path, "headers": headers}, None, send))
    start, body = events
    return start["status"], dict(start["headers"]), body["body"]


def test_every_answer_forbids_outside_content():
    _, headers, body = ask(Guard(application))
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert body == PAGE


def test_only_a_space_may_be_framed_by_hugging_face():
    policies = [
        ask(Guard(application, framed_by_spaces=framed))[1][b"content-security-policy"]
        for framed in (False, True)
    ]
    assert [b"huggingface.co" in policy for policy in policies] == [False, True]


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "LOCALHOST"])
def test_a_local_page_answers_to_its_own_names(host):
    assert ask(Guard(application, hosts={"localhost", "127.0.0.1"}), host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "", None, "localhost.evil"])
def test_a_local_page_refuses_any_other_name(host):
    status, _, body = ask(Guard(application, hosts={"localhost", "127.0.0.1"}), host=host)
    assert status == 421
    assert PAGE not in body


def test_the_name_of_a_public_link_can_join_later():
    hosts = {"localhost"}
    guard = Guard(application, hosts=hosts)
    hosts.add("abc.gradio.live")
    assert ask(guard, host="abc.gradio.live")[0] == 200


def test_a_page_for_everybody_answers_to_any_name():
    assert ask(Guard(application), host="anything.example")[0] == 200


def test_other_paths_answer_no_host_that_they_refuse():
    async def other(scope, receive, send):
        await application({**scope, "path": "/other"}, receive, send)

    paths = OtherPaths(
        application, paths=("/v1/",), other=other, refused={"abc.gradio.live"}.__contains__
    )
    assert ask(paths, "/v1/models")[1][b"content-type"] == b"other"
    status, _, body = ask(paths, "/v1/models", host="abc.gradio.live")
    assert (status, json.loads(body)["error"]["code"]) == (403, "no_api_key")
    assert ask(paths, host="abc.gradio.live")[0] == 200


def test_the_first_script_stands_before_all_others_and_the_length_fits():
    _, headers, body = ask(FirstScript(application, script="<script>1</script>"))
    assert body.startswith(b"<html><head><script>1</script><title>")
    assert int(headers[b"content-length"]) == len(body)


def test_what_is_no_page_passes_unchanged():
    assert ask(FirstScript(application, script="<script>1</script>"), "/text/css")[2] == PAGE


def test_the_host_of_an_address_without_a_port_stays_whole():
    assert [host_name(a) for a in ("[::1]:80", "[::1]", "a.b:1")] == ["[::1]", "[::1]", "a.b"]

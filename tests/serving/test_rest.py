"""The REST service speaks what the `openai` package speaks, and refuses in one clear line."""

import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from openai import APIStatusError, AuthenticationError, BadRequestError, NotFoundError, OpenAI

from chatbot.batching import Batcher
from chatbot.config import changed
from chatbot.errors import BundleError
from chatbot.serving.rest import Service, build_rest
from chatbot.shelf import BotCard, BotShelf
from chatbot.text.cleaning import clean_text

KEY = "sesame"
HELLO = [{"role": "user", "content": "Hello!"}]
TALK = [
    {"role": "system", "content": "You are a pirate."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "How are you?"},
    {"role": "user", "content": [{"type": "text", "text": text} for text in ("Fine,", "you?")]},
]


@pytest.fixture(scope="module")
def service(tiny_bot):
    def load(card):
        if card.name == "broken":
            raise BundleError("The weights are damaged. Train it again.")
        return Batcher(tiny_bot)

    return Service(BotShelf([BotCard("tiny"), BotCard("broken")], load), KEY)


@pytest.fixture(scope="module")
def address(service):
    config = uvicorn.Config(build_rest(service), port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def client(address):
    with OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def ask(client, messages=HELLO, **options):
    return client.chat.completions.create(model="tiny", messages=messages, **options)


def test_the_reply_is_the_bots_own(client, tiny_bot):
    answered = ask(client)
    assert answered.choices[0].message.content == tiny_bot.reply("Hello!").text
    assert answered.choices[0].message.role == "assistant"
    assert answered.model == "tiny"
    assert answered.usage.total_tokens == (
        answered.usage.prompt_tokens + answered.usage.completion_tokens
    )
    assert answered.usage.completion_tokens > 0


def test_the_history_counts_and_what_the_system_says_does_not(client, tiny_bot):
    wanted = tiny_bot.reply(["Hi", "How are you?", "Fine, you?"]).text
    assert ask(client, TALK).choices[0].message.content == wanted
    assert ask(client, TALK[1:]).choices[0].message.content == wanted


def test_a_stream_adds_up_to_the_whole_reply(client):
    whole = ask(client, TALK).choices[0]
    chunks = list(ask(client, TALK, stream=True, stream_options={"include_usage": True}))
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said == whole.message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == whole.finish_reason
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage.completion_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_temperature_draws_and_a_seed_draws_the_same_again(client):
    def drawn(**options):
        return ask(client, temperature=2, **options).choices[0].message.content

    assert drawn(seed=5) == drawn(seed=5)
    assert len({drawn() for _ in range(8)}) > 1
    assert len({ask(client, temperature=0, seed=n).choices[0].message.content for n in (1, 2)}) == 1


def test_several_replies_and_their_log_probabilities(client, tiny_bot):
    answered = ask(client, n=3, temperature=1.5, seed=1, logprobs=True)
    assert [choice.index for choice in answered.choices] == [0, 1, 2]
    for choice in answered.choices:
        tokens = choice.logprobs.content
        said = bytes(byte for token in tokens for byte in token.bytes)
        assert clean_text(said.decode(errors="ignore")) == choice.message.content
        assert all(t.logprob <= 0 for t in tokens)
    drawn = {"strategy": "sampling", "temperature": 1.5, "seed": 1, "n_best": 3}
    said = answered.choices[0].message.content
    explained = tiny_bot.explain("Hello!", changed(tiny_bot.decoding, **drawn), said)
    first = answered.choices[0].logprobs.content[0].logprob
    assert first == pytest.approx(math.log(explained.probabilities[0]), rel=1e-3)


def test_several_replies_as_a_stream(client):
    chunks = list(ask(client, n=2, seed=1, stream=True))
    said = {0: "", 1: ""}
    for chunk in chunks:
        said[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert all(said.values())


def test_it_ends_at_a_stop_sequence_and_at_the_most_tokens(client):
    whole = ask(client, TALK).choices[0].message.content
    stop = whole[len(whole) // 2 :]
    assert whole.index(stop) > 0  # else nothing would be left to be said
    for stream in (False, True):
        answered = ask(client, TALK, stop=[stop, "never said"], stream=stream)
        if stream:
            said = "".join(c.choices[0].delta.content or "" for c in answered)
        else:
            said = answered.choices[0].message.content
        assert said == whole[: whole.index(stop)]
    short = ask(client, TALK, max_tokens=2)
    assert short.usage.completion_tokens <= 2
    assert whole.startswith(short.choices[0].message.content)
    assert ask(client, TALK, max_tokens=1).usage.completion_tokens <= 1  # as programs probe


def test_the_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["tiny", "broken"]
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(NotFoundError, match="There is no model 'none'"):
        client.models.retrieve("none")


@pytest.mark.parametrize("key", ["wrong", "sesam\u00e9"])
def test_a_wrong_key_is_401(address, key):
    answered = httpx.get(
        f"{address}/v1/models", headers={"Authorization": f"Bearer {key}".encode()}
    )
    assert answered.status_code == 401
    assert answered.json()["error"]["code"] == "invalid_api_key"
    assert "is wrong" in answered.json()["error"]["message"]


def test_the_client_tells_a_wrong_key_from_other_errors(address):
    with (
        OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(AuthenticationError),
    ):
        ask(client)


def test_no_key_is_401_but_health_asks_for_none(address):
    assert httpx.get(f"{address}/v1/models").status_code == 401
    health = httpx.get(f"{address}/healthz")
    assert health.status_code == 200
    assert health.json()["models"] == ["tiny", "broken"]


def test_an_unknown_model_is_404(client):
    with pytest.raises(NotFoundError, match="Take one of: tiny, broken"):
        client.chat.completions.create(model="gpt-4", messages=HELLO)


def test_a_model_that_cannot_be_loaded_is_503(client):
    with pytest.raises(APIStatusError, match="weights are damaged") as caught:
        client.chat.completions.create(model="broken", messages=HELLO)
    assert caught.value.status_code == 503


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("messages", "options", "said"),
    [
        ([{"role": "user", "content": "a" * 3000}], {}, "3,000 characters"),
        ([{"role": "user", "content": "  "}], {}, "The message is empty"),
        ([], {}, "messages"),
        ([{"role": "assistant", "content": "Hi"}], {}, "last message must be the user's"),
        ([{"role": "pirate", "content": "Hi"}], {}, "role"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], {}, "content"),
        (HELLO, {"temperature": 3}, "temperature"),
        (HELLO, {"n": 100}, "n: "),
        (HELLO, {"stop": list("abcde")}, "at most 4"),
    ],
)
def test_a_wrong_body_is_400_and_says_why(client, messages, options, said, stream):
    with pytest.raises(BadRequestError) as caught:
        list(ask(client, messages, stream=stream, **options))
    assert said in caught.value.body["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": 1}', b"\xff\xfe"])
def test_what_is_no_request_is_400(address, body):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    answered = httpx.post(f"{address}/v1/chat/completions", content=body, headers=headers)
    assert answered.status_code == 400
    assert answered.json()["error"]["message"]


def test_a_body_that_is_too_long_is_not_read(address):
    def parts():
        yield b"{}"

    path = f"{address}/v1/chat/completions"
    assert httpx.post(path, content=b" " * 1_000_001).status_code == 413
    assert httpx.post(path, content=parts()).status_code == 411


def test_an_unknown_path_is_404_in_the_same_form(address):
    assert httpx.get(f"{address}/v1/none").json()["error"]["code"] == "not_found"


def test_the_schema_names_the_paths_and_the_errors(address):
    schema = httpx.get(f"{address}/v1/openapi.json").json()
    assert set(schema["paths"]) == {
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{name}",
        "/healthz",
    }
    answers = schema["paths"]["/v1/chat/completions"]["post"]["responses"]
    assert {"200", "400", "401", "404", "413", "503"} <= set(answers)


def test_many_at_once_get_what_each_would_get_alone(client, tiny_bot):
    messages = [f"Hello, number {n}" for n in range(24)]
    with ThreadPoolExecutor(24) as pool:
        answered = pool.map(lambda m: ask(client, [{"role": "user", "content": m}]), messages)
        said = [one.choices[0].message.content for one in answered]
    assert said == [tiny_bot.reply(message).text for message in messages]


def test_events_are_those_of_the_standard(address):
    body = {"model": "tiny", "messages": HELLO, "stream": True}
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.stream(
        "POST", f"{address}/v1/chat/completions", json=body, headers=headers
    ) as answered:
        assert answered.headers["content-type"].startswith("text/event-stream")
        events = [line for line in answered.iter_lines() if line]
    assert all(event.startswith("data: ") for event in events)
    assert events[-1] == "data: [DONE]"
    assert json.loads(events[0][6:])["object"] == "chat.completion.chunk"


def test_it_stops_once_what_is_under_way_is_answered(tiny_bot):
    service = Service(BotShelf([BotCard("tiny")], lambda card: Batcher(tiny_bot)))
    done = []
    with service.answering():
        stopping = threading.Thread(target=lambda: (service.stop(), done.append(True)))
        stopping.start()
        time.sleep(0.05)
        assert not done
    stopping.join(5)
    assert done == [True]
    assert service.stopping

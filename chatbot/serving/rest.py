"""The REST service: `/v1/chat/completions`, `/v1/models`, `/healthz`, and the schema of these.

An ASGI application of its own, so that it can stand alone or beside a page. Knows HTTP, and bots
only by their shelf.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import iterate_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from chatbot.config import DecodingConfig
from chatbot.errors import BundleError, ChatbotError
from chatbot.serving.completions import Completion
from chatbot.serving.wire import (
    ChatChunk,
    ChatCompletion,
    ChatRequest,
    Health,
    Model,
    ModelList,
    Problem,
    Refusal,
)
from chatbot.shelf import BotShelf

if TYPE_CHECKING:
    from chatbot.batching import Batcher

_MAX_BODY = 1_000_000  # bytes; two hundred messages of the longest kind are less
_MOST_WAITING = 256  # threads, each waiting for its reply; of the usual 40, no batch comes full
_BEARER = HTTPBearer(auto_error=False, description="The key of `serve --api-key`.")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
_LOG = logging.getLogger(__name__)


@dataclass
class RefusedError(Exception):
    """A request that is not answered, and why."""

    status: int
    message: str
    code: str
    param: str | None = None


class Service:
    """What the routes share: the bots, the key, and who is being answered just now."""

    def __init__(self, shelf: BotShelf, api_key: str = "") -> None:
        """Takes the bots, and the key that clients must send; without one, any may ask."""
        self.shelf, self._key = shelf, api_key
        self._busy, self._changed = 0, threading.Condition()
        self.stopping = False

    def check(self, given: str) -> None:
        """Refuses whoever has not got the key, and everyone once the service stops."""
        if self._key and not hmac.compare_digest(given.encode(), self._key.encode()):
            what = "is wrong" if given else "is missing"
            raise RefusedError(
                401,
                f"The API key {what}. Send it as `Authorization: Bearer KEY`.",
                "invalid_api_key",
            )
        if self.stopping:
            raise RefusedError(503, "The service is stopping. Ask again in a moment.", "stopping")

    def find(self, name: str) -> None:
        """Refuses a name that no bot has."""
        if name not in self.shelf.cards and name not in self.shelf.refresh():
            known = ", ".join(self.shelf.names)
            said = f"There is no model {name[:80]!r} here. Take one of: {known}."
            raise RefusedError(404, said, "model_not_found", "model")

    def bot(self, name: str) -> tuple[Batcher, DecodingConfig]:
        """Returns a bot, loaded now if need be, and the settings that it answers with."""
        self.find(name)
        self.shelf.start(name)
        state = self.shelf.wait(name)
        if state.bot is None:
            raise RefusedError(
                503, state.reason or "The bot was put away. Ask again.", "model_failed"
            )
        return cast("Batcher", state.bot), self.shelf.decoding(state.bot)

    def ready(self, name: str) -> tuple[Batcher, DecodingConfig] | None:
        """Returns what `bot` does if that needs no waiting."""
        return self.bot(name) if self.shelf.state_is(name, "ready") else None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Counts a request from its first byte to its last."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def stop(self, seconds: float = 10.0) -> None:
        """Takes no more requests and waits until those under way are answered."""
        self.stopping = True
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, seconds)

    def _count(self, change: int) -> None:
        with self._changed:
            self._busy += change
            self._changed.notify_all()


def build_rest(service: Service) -> FastAPI:
    """Returns the application; mount it at `/`, or beside other routes."""
    app = FastAPI(
        title="chatbot",
        description="Bots that were trained here, in the form that chat programs speak.",
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # these pages would load their scripts from elsewhere
        redoc_url=None,
    )

    guarded = _guarded(service)
    _add_chat(app, service, guarded)
    _add_models(app, service, guarded)
    _add_health(app, service)
    _tell_errors(app)
    app.add_middleware(_BodyLimit)
    return app


def _guarded(service: Service) -> dict[str, Any]:
    """Returns the options of a route that asks for the key, and tells what it may refuse with."""

    async def let_in(given: _Credentials) -> None:
        service.check(given.credentials if given else "")

    return {
        "dependencies": [Depends(let_in)],
        "responses": {status: {"model": Refusal} for status in (400, 401, 404, 411, 413, 503)},
    }


def _add_chat(app: FastAPI, service: Service, guarded: dict[str, Any]) -> None:
    waiting = CapacityLimiter(_MOST_WAITING)

    @app.post("/v1/chat/completions", response_model=ChatCompletion, **guarded)
    async def complete(asked: ChatRequest) -> Any:
        """Answers the last message. With `stream`, as server-sent events that end in `[DONE]`."""
        ready = service.ready(asked.model)
        if ready is None or asked.stream or asked.logprobs:
            return await run_sync(_answer, service, asked, limiter=waiting)
        completion = Completion(*ready, asked)
        with service.answering():  # no thread waits: many of them slow each other down
            reply = await asyncio.wrap_future(completion.ask())
            return _as_json(completion.whole(reply))


def _add_models(app: FastAPI, service: Service, guarded: dict[str, Any]) -> None:
    @app.get("/v1/models", **guarded)
    def models() -> ModelList:
        """Lists the bots."""
        return ModelList(data=[Model(id=name) for name in service.shelf.refresh()])

    @app.get("/v1/models/{name}", **guarded)
    def model(name: str) -> Model:
        """Tells whether there is such a bot."""
        service.find(name)
        return Model(id=name)


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", responses={503: {"model": Health}})
    def healthz() -> Response:
        """Tells whether requests are answered; asks for no key."""
        shelf = service.shelf
        ready = [name for name in shelf.names if shelf.state_is(name, "ready")]
        state = Health(
            status="stopping" if service.stopping else "ok", ready=ready, models=shelf.names
        )
        return JSONResponse(state.model_dump(), 503 if service.stopping else 200)


class _BodyLimit:
    """Refuses a long body before it is read, which FastAPI does before it looks at the key."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        refused = _wrong_size(Headers(scope=scope)) if scope.get("method") == "POST" else None
        await (self._app if refused is None else _refusal(refused))(scope, receive, send)


def _wrong_size(headers: Headers) -> RefusedError | None:
    size = headers.get("content-length", "")
    if not size.isdigit():
        return RefusedError(411, "Say how long the body is (Content-Length).", "length_required")
    if int(size) > _MAX_BODY:
        return RefusedError(413, f"The body has more than {_MAX_BODY:,} bytes.", "body_too_long")
    return None


def _answer(service: Service, asked: ChatRequest) -> Any:
    bot, decoding = service.bot(asked.model)
    completion = Completion(bot, decoding, asked)
    if asked.stream:
        return _streamed(service, completion)
    with service.answering():
        return _as_json(completion.whole())


def _as_json(answer: ChatCompletion) -> Response:
    """Returns what is no visitor's as it is: FastAPI would check it field by field once more."""
    return Response(answer.model_dump_json(), media_type="application/json")


def _streamed(service: Service, completion: Completion) -> StreamingResponse:
    """Answers with events; what goes wrong before the first of them has its proper status."""
    chunks = completion.chunks()
    with service.answering():
        first = next(chunks)
        second = next(chunks, None)  # the search begins here, and finds a visitor's mistake

    async def events() -> AsyncIterator[str]:
        with service.answering():
            for chunk in (first, second):
                if chunk is not None:
                    yield _event(chunk)
            async for chunk in iterate_in_threadpool(chunks):
                yield _event(chunk)
            yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def _event(chunk: ChatChunk) -> str:
    return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"


def _tell_errors(app: FastAPI) -> None:
    """Gives every error the body that clients of this form read."""

    def handler(kind: type[Exception]) -> Callable[[Any], Any]:
        return app.exception_handler(kind)

    @handler(RefusedError)
    def refused(request: Request, error: RefusedError) -> Response:
        return _refusal(error)

    @handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return _refusal(
            RefusedError(400, f"{where or 'The body'}: {first['msg']}.", "invalid_request", where)
        )

    @handler(ChatbotError)
    def mistaken(request: Request, error: ChatbotError) -> Response:
        status = 503 if isinstance(error, BundleError) else 400
        return _refusal(RefusedError(status, str(error), "invalid_request", "messages"))

    @handler(HTTPException)
    def unknown(request: Request, error: HTTPException) -> Response:
        return _refusal(RefusedError(error.status_code, str(error.detail), "not_found"))

    @handler(Exception)
    def broken(request: Request, error: Exception) -> Response:
        reference = uuid.uuid4().hex[:8]
        _LOG.error("no reply, reference %s", reference, exc_info=error)
        return _refusal(RefusedError(500, f"Our mistake, reference {reference}.", "internal_error"))


def _refusal(refused: RefusedError) -> Response:
    kind = {401: "authentication_error", 404: "not_found_error", 500: "server_error"}
    problem = Problem(
        message=refused.message,
        type=kind.get(refused.status, "invalid_request_error"),
        param=refused.param or None,
        code=refused.code,
    )
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
    return JSONResponse(Refusal(error=problem).model_dump(), refused.status, headers)

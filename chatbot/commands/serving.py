"""`serve`: bots for other programs over HTTP, with the page beside them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.errors import ConfigError

if TYPE_CHECKING:
    from chatbot.shelf import BotShelf
    from chatbot.ui.server import Beside

_PATHS = ("/v1/", "/healthz")
_NO_KEY = " Any program that reaches it may ask: --api-key K asks for a key."


def serve(
    name: Annotated[str | None, typer.Argument(help="The model to begin with.")] = None,
    host: Annotated[str | None, typer.Option(help="Address; 0.0.0.0: all of them.")] = None,
    port: Annotated[int | None, typer.Option(help="The first free one from 7860 on.")] = None,
    api_key: Annotated[
        str | None,
        typer.Option(help="What programs must send; the variable CHATBOT_API_KEY does the same."),
    ] = None,
) -> int:
    """Serve bots over HTTP as OpenAI's chat completions, and the page beside them."""
    from chatbot.ui.server import ServeOptions
    from chatbot.ui.server import serve as serve_page

    kept = os.environ.pop("CHATBOT_API_KEY", "")
    if api_key is not None and not api_key.strip():
        raise ConfigError("The API key is empty. Give one, or leave the option out.")
    key = api_key or kept
    options = ServeOptions(model=name, host=host, port=port, browser=False)
    return serve_page(options, beside=lambda shelf: _rest(shelf, key))


def _rest(shelf: BotShelf, key: str) -> Beside:
    from chatbot.serving.rest import Service, build_rest
    from chatbot.ui.server import Beside

    service = Service(shelf, key)

    def line(address: str) -> str:
        return (
            f"Programs ask at {address}/v1 (its schema: /v1/openapi.json).{'' if key else _NO_KEY}"
        )

    return Beside(build_rest(service), _PATHS, line, service.stop, asks_key=bool(key))

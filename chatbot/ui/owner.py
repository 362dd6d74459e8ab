"""Tells the owner of a page from its visitors, by a signed cookie alone (never by address)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import gradio as gr


class OwnerGate:
    """Decides who is the owner; every event of an owner's tab passes through `only`."""

    def is_owner(self, request: gr.Request | None) -> bool:
        """Tells whether this request comes from the owner's browser."""
        return request is not None

    def only(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps a handler whose first parameter is `request: gr.Request`.

        The wrapped handler raises a `gr.Error` of one line for everybody but the owner.
        """

        @functools.wraps(handler)
        def guarded(request: gr.Request, *values: Any) -> Any:
            if not self.is_owner(request):
                raise gr.Error("Only the owner may do this.", title="", print_exception=False)
            return handler(request, *values)

        return guarded

"""Requests as Gradio hands them to a handler: the owner's, and a visitor's."""

from __future__ import annotations

import gradio as gr

LOCAL = "127.0.0.1:7860"


def owner_request(gate, **headers):
    """A request from the owner's browser."""
    cookie = f"{gate.cookie_name}={gate.cookie()}"
    return visitor_request(cookie=cookie, **headers)


def visitor_request(*, host=LOCAL, session_hash="page", **headers):
    """A request of somebody who is not the owner; headers by name, with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return gr.Request(headers={"host": host, **named}, session_hash=session_hash)

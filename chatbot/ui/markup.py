"""Text as HTML that shows it as it was written, whoever wrote it. Knows no component."""

from __future__ import annotations

import html

from chatbot.ui.history import safe_text

# Gradio 6.31 reads the value of a `gr.HTML` as a template: these open its placeholders.
_OPENERS = {ord(sign): f"&#{ord(sign)};" for sign in "{$@`"}


def escaped(text: str) -> str:
    """Returns `text` without controls, and with nothing that HTML or a template would read.

    >>> escaped("<b>${x}</b>")
    '&lt;b&gt;&#36;&#123;x}&lt;/b&gt;'
    """
    return html.escape(safe_text(text)).translate(_OPENERS)


def status(said: str) -> str:
    """Returns one line as a paragraph that is read out when there is time."""
    return f'<p role="status">{escaped(said)}</p>'


def note(said: str, kind: str = "note") -> str:
    """Returns one line as a paragraph; an "alert" is read out at once."""
    role = "alert" if kind == "alert" else "status"
    return f'<p role="{role}" class="{kind}">{escaped(said)}</p>'

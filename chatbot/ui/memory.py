"""What the visitor's browser keeps, as JSON under a key. Knows no tab of the page.

Gradio's BrowserState asks the browser once, when the page opens, so a second tab writes over what
the first has kept since then. A `Memory` is asked again by each event that reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import gradio as gr

from chatbot.ui.widgets import HIDDEN
from chatbot.ui.words import Language

Place = Literal["sessionStorage", "localStorage"]  # of this tab, of all tabs

# The text is taken off again, so that the next one differs from it and is noticed.
# A browser that is full, or whose owner lets no page keep anything, throws at either.
_WRITE = """(text) => {
  const [key, places, failed] = %s;
  for (const place of text ? places : [])
    try { window[place].setItem(key, text); }
    catch { if (failed) alert(failed[navigator.language.startsWith("zh") ? "zh" : "en"]); }
  return "";
}"""
_READ = """(...given) => {
  const read = (place, key) => { try { return window[place].getItem(key); } catch { return ""; } };
  for (const [index, key, places] of %s)
    given[index] = places.map((place) => read(place, key)).find((text) => text) ?? "";
  return given;
}"""


class Memory:
    """A value in the visitor's browser.

    Attributes:
        box: what a handler gives a value made by `as_json` to, or that `reading` asks for.
    """

    def __init__(
        self, key: str, *, of_tab: bool = False, failed: Mapping[Language, str] | None = None
    ) -> None:
        """Builds the hidden box inside the surrounding page.

        Args:
            key: the name in the browser; ends in a version.
            of_tab: each tab has its own, and a new tab begins with the one written last.
            failed: what the visitor is told where the browser does not keep it; nothing without.
        """
        self.key = key
        self.places: list[Place] = (
            ["sessionStorage", "localStorage"] if of_tab else ["localStorage"]
        )
        self.box = gr.Textbox(visible="hidden", show_label=False)
        write = _WRITE % json.dumps([key, self.places, failed])
        self.box.change(None, self.box, self.box, js=write, **HIDDEN)


def reading(inputs: Sequence[Any]) -> dict[str, Any]:
    """Returns the inputs of an event, memories among them, which its handler gets as JSON."""
    memories = [(i, one) for i, one in enumerate(inputs) if isinstance(one, Memory)]
    asked = json.dumps([(i, one.key, one.places) for i, one in memories])
    shown = [one.box if isinstance(one, Memory) else one for one in inputs]
    return {"inputs": shown, "js": _READ % asked}


def as_json(value: object) -> str:
    """Returns what a memory keeps of a value."""
    return json.dumps(value, ensure_ascii=False)


def from_json(text: object) -> object:
    """Returns the value that a memory kept; None where there is none, or what is none.

    >>> from_json(as_json(["a"])), from_json(""), from_json("{")
    (['a'], None, None)
    """
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None

"""The share tab: a public link with its QR code, who is there, and what they may ask.

Says what `share` and `visitors` do; whatever was asked for with --share shows here too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gradio as gr

from chatbot.errors import ChatbotError
from chatbot.ui.desk import Desk
from chatbot.ui.door import PATH
from chatbot.ui.markup import escaped, status
from chatbot.ui.share import ShareState
from chatbot.ui.visitors import ALL_TOGETHER, MINUTES_PRESENT, MOST_MESSAGES
from chatbot.ui.widgets import QUICK

_LOOK_SECONDS = 2.0  # between two looks, while there is something to see
_DAY = 24 * 60 * 60
# Without HTTPS there is no clipboard for scripts, except on this machine itself.
_COPY = """(link) => {
    if (navigator.clipboard) navigator.clipboard.writeText(link);
    else {
        const box = document.querySelector("#share-link textarea, #share-link input");
        box.disabled = false;
        box.select();
        document.execCommand("copy");
    }
    return [link];
}"""
_QUIET = 4  # modules of white around a QR code, which readers want


class ShareTab:
    """The components of the tab and their events; it holds nothing before it is selected."""

    def __init__(self, desk: Desk) -> None:
        """Builds the tab inside the surrounding `gr.Tab`."""
        self._desk, self._sharing, self._visitors = desk, desk.sharing, desk.visitors
        self._clock = gr.Timer(_LOOK_SECONDS, active=False)
        with gr.Column(elem_id="share"):
            self._build_link()
            self._build_limits()
            gr.Button(
                desk.words("share_leave"),
                link=PATH.lstrip("/"),
                size="sm",
                elem_id="share-leave",
            )
        self._connect()

    # --- what is there ---------------------------------------------------------------------

    def _build_link(self) -> None:
        words = self._desk.words
        gr.HTML(words("share_about"), elem_id="share-about", padding=False)
        with gr.Row(elem_id="share-buttons"):
            # Shown once it is known how things stand: an earlier click would be overtaken by that.
            self._ask = gr.Button(
                words("share_ask"), variant="primary", visible=False, elem_id="share-ask"
            )
            self._stop = gr.Button(words("share_close"), visible=False, elem_id="share-close")
        self._status = gr.HTML("", elem_id="share-status", padding=False)
        with gr.Row(elem_id="share-found", equal_height=False):
            with gr.Column(elem_id="share-address", min_width=0):
                # Gradio's own copy button would take the label away from the box.
                self._link = gr.Textbox(
                    label=words("share_link"),
                    interactive=False,
                    visible=False,
                    elem_id="share-link",
                )
                self._copy = gr.Button(words("share_copy"), size="sm", elem_id="share-copy")
            self._code = gr.HTML("", visible=False, elem_id="share-qr", padding=False)
        self._present = gr.HTML("", elem_id="share-present", padding=False)

    def _build_limits(self) -> None:
        words = self._desk.words
        with gr.Row(elem_id="share-limits", equal_height=False):
            self._limit = gr.Number(
                label=words("share_limit"), info=words("share_limit_info"), elem_id="share-limit"
            )
            self._set = gr.Button(words("share_limit_set"), scale=0, elem_id="share-limit-set")
        self._note = gr.HTML("", elem_id="share-note", padding=False)
        self._blocked = gr.Checkbox(
            label=words("share_blocked"), info=words("share_blocked_info"), elem_id="share-blocked"
        )

    # --- what happens ----------------------------------------------------------------------

    def _connect(self) -> None:
        only, shown = self._desk.owner.only, self._shown
        self._ask.click(only(self._start), None, shown, **QUICK)
        self._stop.click(only(self._end), None, shown, **QUICK)
        self._copy.click(only(self._copied), self._link, self._status, js=_COPY, **QUICK)
        self._clock.tick(only(self._look), self._link, shown, **QUICK)
        for event in (self._set.click, self._limit.submit):
            event(only(self._set_limit), self._limit, self._note, **QUICK)
        self._blocked.input(only(self._set_blocked), self._blocked, None, **QUICK)

    def connect(self, tab: Any) -> None:
        """Fills the tab whenever it is selected."""
        outputs = [*self._shown, self._limit, self._blocked, self._note]
        tab.select(self._desk.owner.only(self._open), None, outputs, **QUICK)

    @property
    def _shown(self) -> list[Any]:
        """What changes with the state of the link, in the order of `_view`."""
        found = [self._link, self._code, self._present]
        return [self._status, self._ask, self._stop, self._clock, *found]

    def _open(self, request: gr.Request) -> Sequence[Any]:
        say, limit = self._desk.say, self._visitors.public_limit
        alone = self._sharing.reachable and not self._desk.owner.password
        note = status(say(request, "share_no_password")) if alone else ""
        return *self._view(request), limit, self._sharing.block_list, note

    def _start(self, request: gr.Request) -> Sequence[Any]:
        self._sharing.start()
        return self._view(request)

    def _end(self, request: gr.Request) -> Sequence[Any]:
        self._sharing.stop()
        return self._view(request, off="share_closed")

    def _copied(self, request: gr.Request, link: str) -> str:
        return status(self._desk.say(request, "share_copied"))

    def _look(self, request: gr.Request, link: str) -> Sequence[Any]:
        """Shows what is new; a link that is shown already stays untouched, as it may be marked."""
        state = self._sharing.state
        if state.stage == "open" and state.url == link:
            return *[gr.skip()] * (len(self._shown) - 1), self._who(request)
        return self._view(request)

    def _view(self, request: gr.Request, off: str = "share_off") -> Sequence[Any]:
        state = self._sharing.state
        busy = state.stage in ("asking", "open")
        code = qr_code(state.url, self._desk.say(request, "share_qr")) if state.url else ""
        return (
            status(self._told(request, state, off)),
            gr.update(visible=not busy and not _in_space()),
            gr.update(visible=busy),
            gr.Timer(active=busy),
            gr.update(value=state.url, visible=bool(state.url)),
            gr.update(value=code, visible=bool(code)),
            self._who(request),
        )

    def _told(self, request: gr.Request, state: ShareState, off: str) -> str:
        """Returns one line on how things stand."""
        say = self._desk.say
        if state.stage == "failed":
            reason = state.outcome.reason(self._desk.language(request))
            ways = say(request, "share_other_ways", port=self._sharing.port)
            return say(request, "share_failed", reason=reason, ways=ways)
        if state.stage == "off" and _in_space():
            return say(request, "share_space")
        key = off if state.stage == "off" else f"share_{state.stage}"
        return say(request, key, seconds=round(self._sharing.seconds))

    def _who(self, request: gr.Request) -> str:
        """Returns how many visitors there are and were."""
        say, minutes = self._desk.say, MINUTES_PRESENT
        now = say(request, "share_present", minutes=minutes, count=self._visitors.present(minutes))
        try:
            today = self._desk.store.visitors(_DAY)
        except ChatbotError:  # the terminal has said so; see `Visitors.record`
            return status(now)
        return status(now) + status(say(request, "share_today", count=today))

    def _set_limit(self, request: gr.Request, limit: Any) -> str:
        if not isinstance(limit, int | float) or limit not in range(MOST_MESSAGES + 1):
            return status(self._desk.say(request, "share_limit_wrong", most=MOST_MESSAGES))
        self._visitors.limit = int(limit)
        total = int(limit) * ALL_TOGETHER
        key = "share_limit_done" if limit else "share_limit_none"
        return status(self._desk.say(request, key, limit=int(limit), total=total))

    def _set_blocked(self, request: gr.Request, on: Any) -> None:
        self._sharing.block_list = bool(on)


def qr_code(address: str, name: str) -> str:
    """Returns a QR code as an image within the page; `name` is what a screen reader says."""
    from qrcode.main import QRCode

    code = QRCode(border=_QUIET)
    code.add_data(address)
    rows = code.get_matrix()
    dark = ((x, y) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    path = "".join(f"M{x} {y}h1v1h-1z" for x, y in dark)
    label, size = escaped(name), len(rows)
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {size} {size}" '
        f'shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}H0z"/>'
        f'<path d="{path}"/></svg>'
    )


def _in_space() -> bool:
    return bool(os.environ.get("SPACE_ID"))

"""The bot that a training made beside the one it came from: scores, and replies side by side.

Reads what stands in the two bundles and in the events of the training; loads no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chatbot.bundle import BundleInfo, bundle_path, read_info, stored_replies
from chatbot.errors import BundleError
from chatbot.ui.jobs import JobView
from chatbot.ui.markup import escaped
from chatbot.ui.progress_view import table_html
from chatbot.ui.words import Say


@dataclass(frozen=True)
class _Side:
    """One of the two bots; `info` is None where its bundle is not there any more."""

    name: str
    info: BundleInfo | None
    replies: Mapping[str, str]
    scores: Mapping[str, Any]


def has_bot(view: JobView) -> bool:
    """Tells whether the bot of this name is the one that this training saved.

    Another may have been uploaded, or renamed to its name, since then.
    """
    saved, info = view.last("saved"), _info(view.name)
    return saved is not None and info is not None and saved.get("metrics") == info.metrics


def outcome_html(view: JobView, say: Say) -> str:
    """Returns the comparison for a training that is done."""
    new = _side(view.name)
    if not has_bot(view):
        return f'<p class="line">{escaped(say("train_gone", name=view.name))}</p>'
    base = _base(view, new)
    sides = [new] if base is None else [base, new]
    same = "train_same_talk" if _scored_base(new) else "train_own_scores"
    note = "" if base is None else f"<p>{escaped(say(same))}</p>"
    return f"{_scores(sides, say)}{note}{_replies(sides, new, say)}"


def _base(view: JobView, new: _Side) -> _Side | None:
    """Returns the bot that it came from: what it answered, and scored on the new bot's talk."""
    name = (view.last("setup") or {}).get("base")
    if not name:
        return None
    told = (view.last("validation") or {}).get("previous") or {}
    side = _side(str(name))
    held_out = {"validation_pairs": new.scores.get("validation_pairs")}
    on_same_talk = {**_scored_base(new), **held_out} if _scored_base(new) else {}
    return replace(side, replies={**side.replies, **told}, scores={**side.scores, **on_same_talk})


def _scored_base(new: _Side) -> Mapping[str, Any]:
    """Returns what the base scored on the new bot's held-out talk; earlier versions kept none."""
    scores = new.scores.get("base")
    return scores if isinstance(scores, Mapping) else {}


def _side(name: str) -> _Side:
    info = _info(name)
    return _Side(name, info, _stored(info) if info else {}, info.metrics if info else {})


def _info(name: str) -> BundleInfo | None:
    try:
        return read_info(bundle_path(name))
    except BundleError:
        return None


def _stored(info: BundleInfo) -> dict[str, str]:
    try:
        return stored_replies(info.path)
    except BundleError:
        return {}


def _scores(sides: list[_Side], say: Say) -> str:
    rows = [
        (say("train_nats"), *(_metric(side, "nats", "{:.3f}") for side in sides)),
        (say("train_perplexity"), *(_metric(side, "perplexity", "{:.1f}") for side in sides)),
        (say("train_held_out"), *(_metric(side, "validation_pairs", "{:,}") for side in sides)),
        (say("train_took"), *(_metric(side, "minutes", "{:g}") for side in sides)),
        (say("train_disk"), *(_megabytes(side) for side in sides)),
    ]
    return table_html(["", *(side.name for side in sides)], rows, say("train_scores"))


def _replies(sides: list[_Side], new: _Side, say: Say) -> str:
    rows = [
        (message, *(side.replies.get(message, "–") for side in sides)) for message in new.replies
    ]
    heads = [say("train_message"), *(side.name for side in sides)]
    return table_html(heads, rows, say("train_beside"))


def _metric(side: _Side, key: str, form: str) -> str:
    value: Any = side.scores.get(key)
    try:
        return form.format(value) if isinstance(value, int | float) else "–"
    except OverflowError:  # an integer of hundreds of digits
        return "–"


def _megabytes(side: _Side) -> str:
    return f"{side.info.size_bytes / 1e6:.1f}" if side.info else "–"

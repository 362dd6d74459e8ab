"""How a training looks: one line on how it stands, a bar, its curves, what it answers by now.

Turns what `jobs` reads into HTML in the language of whoever looks. Everything that comes out of a
corpus, a message or a name is text and is escaped here. Knows no component and no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from chatbot.ui.curves import Axes, Line, Point, chart
from chatbot.ui.jobs import JobView
from chatbot.ui.markup import escaped
from chatbot.ui.words import Say

Event = Mapping[str, Any]


def progress_html(view: JobView, say: Say) -> str:
    """Returns how a training stands: the line, and while it runs the bar and the figures."""
    line = escaped(headline(view, say))
    parts = [f'<p class="line {view.stage}" role="status">{line}</p>']
    if view.active:
        parts += [_bar(view, say), _figures(view, say), *_warned(view, say)]
    return f'<h3 dir="auto">{escaped(view.name)}</h3>{"".join(parts)}'


def headline(view: JobView, say: Say) -> str:
    """Returns the one line that says how a training stands, or what became of it."""
    step, steps = _step(view)
    if view.stopping:
        return say("train_stopping")
    if view.stage == "starting":
        return say("train_preparing" if view.last("setup") else "train_reading")
    if view.stage in ("running", "finishing"):
        return say(f"train_{view.stage}", step=step, steps=steps)
    if view.stage == "done":
        return say(_ENDS.get(_reason(view), "train_done"), name=view.name, step=_best(view))
    went_on = " " + say("train_go_on_line", step=step) if view.resumable else ""
    if view.stage == "failed":
        return say(f"train_failed_{view.cause}", reason=view.reason) + went_on
    return say("train_stopped" if view.resumable else "train_stopped_early") + went_on


_ENDS = {
    "stopped early": "train_done_stopped",
    "no more gain": "train_done_no_gain",
    "learned": "train_done_learned",
}


def curves_html(view: JobView, say: Say) -> str:
    """Returns the losses over the steps, of the pairs it learns from and of those held out."""
    training = _points(e for e in view.events if e["event"] == "progress")
    held_out = _points(_validations(view))
    lines = [
        Line(say("train_loss_training"), training, "training"),
        Line(say("train_loss_validation"), held_out, "validation"),
    ]
    _, steps = _step(view)
    return chart(lines, Axes(_said(lines, say), say("train_steps"), say("train_loss"), steps))


def replies_html(view: JobView, say: Say) -> str:
    """Returns what a bot in training answered to the probe messages, last and the time before."""
    validations = _validations(view)
    if not validations or not validations[-1].get("replies"):
        return ""
    now, before = validations[-1]["replies"], _replies_before(validations)
    heads = [say("train_message"), say("train_before"), say("train_now")]
    rows = [(str(m), str(before.get(m, "–")), str(reply)) for m, reply in now.items()]
    return table_html(heads, rows, say("train_probes"))


def table_html(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Returns a table of texts, the first of each row being its heading."""
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in heads)
    body = "".join(_row(row, heads) for row in rows)
    said = escaped(caption)
    return (
        f'<table class="replies"><caption>{said}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def duration(seconds: float, say: Say) -> str:
    """Returns a time as a person says it."""
    if seconds < 90:
        return say("train_seconds", count=round(seconds))
    if seconds < 5400:
        return say("train_minutes_count", count=round(seconds / 60))
    return say("train_hours", count=round(seconds / 3600, 1))


# --- how far it is ------------------------------------------------------------------------------


def _step(view: JobView) -> tuple[int, int]:
    """Returns the last step that was told of, and how many there are to be."""
    told = view.last("progress", "validation", "done", "stopped", "started", "resumed") or {}
    planned = view.last("progress", "done", "stopped", "started", "resumed", "estimate") or {}
    return int(told.get("step") or 0), int(planned.get("steps") or 0)


def _best(view: JobView) -> int:
    return int((view.last("done") or {}).get("best_step") or 0)


def _reason(view: JobView) -> str:
    return str((view.last("done") or {}).get("reason"))


def _bar(view: JobView, say: Say) -> str:
    step, steps = _step(view)
    known = f'value="{step}" max="{steps}"' if steps and view.stage != "starting" else ""
    name = escaped(say("train_bar"))
    return f'<progress aria-label="{name}" {known}></progress>'


def _figures(view: JobView, say: Say) -> str:
    """Returns speed, time left and the best score, as far as they are known."""
    progress = view.last("progress") if view.stage == "running" else None
    validation = view.last("validation")
    told: list[tuple[str, str]] = []
    if progress is not None:
        left = duration(float(progress.get("seconds_left") or 0), say)
        told.append((say("train_left"), left))
        told.append((say("train_speed"), f"{progress.get('tokens_per_second') or 0:,}"))
    if validation is not None:
        told.append((say("train_score"), f"{validation.get('nats'):.3f}"))
    pairs = [f"<div><dt>{escaped(n)}</dt><dd>{escaped(v)}</dd></div>" for n, v in told]
    return f"<dl>{''.join(pairs)}</dl>" if pairs else ""


def _warned(view: JobView, say: Say) -> list[str]:
    told = (view.last("setup") or {}).get("estimate") or {}
    # Once the trainer has timed its own steps, the guess at how many there will be is out of date.
    outdated = "budget_short" if view.last("estimate") else ""
    lines = warnings_of(told, say, outdated)
    return [f'<p class="mind">{escaped(line)}</p>' for line in lines]


def warnings_of(estimate: Mapping[str, Any], say: Say, outdated: str = "") -> list[str]:
    """Returns the warnings of an estimate in the language of the page, without an outdated kind.

    A kind that the page has no words for is shown as the estimate put it.
    """
    codes = list(estimate.get("warning_codes") or ())
    lines = list(estimate.get("warnings") or ())
    known = {f"train_mind_{code}" for code in _WARNINGS}
    facts = {key: estimate.get(key) or 0 for key in ("pairs", "steps")}
    memory = (estimate.get("memory_bytes") or 0) / 1e9
    told = []
    for number, line in enumerate(lines):
        code = codes[number] if number < len(codes) else ""
        if code and code == outdated:
            continue
        key = f"train_mind_{code}"
        told.append(say(key, **facts, memory=memory) if key in known else str(line))
    return told


_WARNINGS = ("few_pairs", "few_to_tune_on", "budget_short", "memory_short", "disk_short")


# --- what it has learned ------------------------------------------------------------------------


def _validations(view: JobView) -> list[Event]:
    return [event for event in view.events if event["event"] == "validation"]


def _replies_before(validations: Sequence[Event]) -> Mapping[str, str]:
    """Returns the replies of the validation before the last, or of the model it came from."""
    earlier = validations[-2].get("replies") if len(validations) > 1 else None
    return earlier or validations[-1].get("previous") or {}


def _said(lines: Sequence[Line], say: Say) -> str:
    """Returns the picture in words, for whoever does not see it."""
    ends = [
        say("train_curve", name=line.name, first=line.points[0][1], last=line.points[-1][1])
        for line in lines
        if line.points
    ]
    return " ".join([say("train_curves"), *ends])


def _points(events: Iterable[Event]) -> list[Point]:
    """Returns (step, nats), and only the last run over steps that were learned twice.

    After a crash a training goes on from its last checkpoint, over steps it had told of.
    """
    points: list[Point] = []
    for event in events:
        step, nats = event.get("step"), event.get("nats")
        if isinstance(step, int) and isinstance(nats, int | float):
            while points and points[-1][0] >= step:
                points.pop()
            points.append((step, float(nats)))
    return points


def _row(row: Sequence[str], heads: Sequence[str]) -> str:
    """Returns one row; each cell carries its heading, which a narrow screen shows before it."""
    first, *others = (escaped(text) for text in row)
    changed = ["", *(" class=changed" if a != b else "" for a, b in pairwise(others))]
    cells = [
        f'<td dir="auto" data-head="{escaped(head)}"{mark}>{text}</td>'
        for head, text, mark in zip(heads[1:], others, changed, strict=True)
    ]
    return f'<tr><th scope="row" dir="auto">{first}</th>{"".join(cells)}</tr>'

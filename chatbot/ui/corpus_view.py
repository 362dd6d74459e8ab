"""A corpus as HTML: its first pairs, and its report in words with a picture of lengths.

Every text of a corpus is hostile and is escaped here. Pure functions; knows no component and no
file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chatbot.corpus.content import LengthStep
from chatbot.corpus.records import DialoguePair
from chatbot.corpus.report import CorpusReport, dominant_reply, main_rejection
from chatbot.corpus.survey import Survey
from chatbot.ui.history import safe_text
from chatbot.ui.markup import escaped, note
from chatbot.ui.words import TEXTS, Language, text

_SHOWN_CHARACTERS = 300  # of one text
_SHOWN_REPLIES, _SHOWN_MESSAGES, _SHOWN_EXAMPLES = 8, 5, 2
_STEP_WIDTH, _BAR_WIDTH, _PLOT_HEIGHT = 38, 15, 110  # of the picture, in its own units


def shown(said: str) -> str:
    """Returns a text as HTML shows it, cut where it is very long."""
    safe = safe_text(said)
    cut = safe if len(safe) <= _SHOWN_CHARACTERS else f"{safe[:_SHOWN_CHARACTERS]}…"
    return escaped(cut)


def format_line(name: str, survey: Survey, language: Language) -> str:
    """Returns in one line what a file was read as."""
    key = f"corpus_format_{survey.format_key}"
    named = text(language, key) if key in TEXTS[language] else survey.format
    return note(text(language, "corpus_read_as", name=safe_text(name), format=named))


def preview_html(pairs: Sequence[DialoguePair], language: Language) -> str:
    """Returns pairs as a table of messages and replies; what was said before stands in small."""
    if not pairs:
        return note(text(language, "corpus_preview_none"), "alert")
    head = "".join(
        f'<th scope="col">{text(language, key)}</th>'
        for key in ("corpus_preview_message", "corpus_preview_reply")
    )
    rows = "".join(_preview_row(pair, language) for pair in pairs)
    caption = f"<caption>{text(language, 'corpus_preview')}</caption>"
    return (
        f'<table class="pairs">{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _preview_row(pair: DialoguePair, language: Language) -> str:
    before = ""
    if len(pair.history) > 1:
        turns = " / ".join(pair.history[:-1])
        said = text(language, "corpus_preview_before", turns=safe_text(turns))
        before = f"<small>{shown(said)}</small>"
    return f"<tr><td>{before}{shown(pair.history[-1])}</td><td>{shown(pair.reply)}</td></tr>"


def report_html(report: CorpusReport, language: Language) -> str:
    """Returns the report: what to do first, then the numbers, then what they are made of."""
    parts = [
        f"<h3>{text(language, 'corpus_report')}</h3>",
        *_warnings(report, language),
        _numbers(report, language),
        '<div class="cards">',
        _card(language, "corpus_lengths", _lengths(report, language)),
        _card(language, "corpus_languages", _languages(report, language)),
        _card(language, "corpus_frequent", _frequent(report)),
        *_answered(report, language),
        _card(language, "corpus_private", _private(report, language)),
        _card(language, "corpus_blocked", _blocked(report, language)),
        _card(language, "corpus_rejected", _rejected(report, language)),
        "</div>",
        *_remarks(report, language),
    ]
    return f'<section class="report">{"".join(parts)}</section>'


def _warnings(report: CorpusReport, language: Language) -> Iterable[str]:
    if not report.total.is_whole:
        most = max(source.extracted for source in report.sources)
        yield note(text(language, "corpus_only_first", count=most))
    elif report.verdict == "small":
        said = text(language, "corpus_small", count=report.total.kept)
        do = text(language, "corpus_small_do")
        yield f'<p role="status" class="warning"><strong>{said}</strong> {do}</p>'
    often = dominant_reply(report.top_replies)
    if often:
        share, reply = f"{often.share:.0%}", safe_text(often.reply[:60])
        yield note(text(language, "corpus_said_often", share=share, reply=reply), "warning")
    dropped = main_rejection(report.total)
    if dropped:
        reason = _reason(dropped[0], language)
        yield note(text(language, "corpus_most_dropped", reason=reason), "warning")


def _numbers(report: CorpusReport, language: Language) -> str:
    counts = {
        "corpus_kept": report.total.kept,
        "corpus_dropped": report.total.extracted - report.total.kept,
        "corpus_distinct": report.distinct_replies,
        "corpus_reply_words": report.reply_words.median,
        "corpus_duplicates": report.duplicates,
        "corpus_much_answered": report.much_answered_messages,
    }
    items = "".join(
        f"<li><strong>{count:,}</strong> {text(language, key)}</li>"
        for key, count in counts.items()
    )
    return f'<ul class="numbers">{items}</ul>'


def _card(language: Language, title: str, body: str) -> str:
    return f'<section class="card"><h4>{text(language, title)}</h4>{body}</section>'


def _lengths(report: CorpusReport, language: Language) -> str:
    messages, replies = report.message_words, report.reply_words
    described = text(
        language,
        "corpus_lengths_desc",
        messages=messages.median,
        replies=replies.median,
        messages_95=messages.p95,
        replies_95=replies.p95,
    )
    legend = "".join(
        f'<span class="{side}">{text(language, f"corpus_{side}")}</span>'
        for side in ("messages", "replies")
    )
    picture = histogram(
        report.length_steps,
        title=text(language, "corpus_lengths_title"),
        described=described,
        axis=text(language, "corpus_lengths_axis"),
    )
    return f'<p class="legend">{legend}</p>{picture}<p class="small">{described}</p>'


def histogram(steps: Sequence[LengthStep], *, title: str, described: str, axis: str) -> str:
    """Returns an SVG of two bars a step, as high as its share of messages and of replies."""
    width = _STEP_WIDTH * len(steps)
    totals = sum(s.messages for s in steps) or 1, sum(s.replies for s in steps) or 1
    shares = [(s.messages / totals[0], s.replies / totals[1]) for s in steps]
    highest = max(max(both) for both in shares) or 1
    drawn = "".join(
        _bar(place, side, share / highest, share)
        for place, both in enumerate(shares)
        for side, share in enumerate(both)
    )
    labels = "".join(_label(place, step) for place, step in enumerate(steps))
    return (
        f'<svg class="lengths" viewBox="0 0 {width} {_PLOT_HEIGHT + 38}" role="img" '
        'aria-labelledby="corpus-lengths-title corpus-lengths-desc">'
        f'<title id="corpus-lengths-title">{escaped(title)}</title>'
        f'<desc id="corpus-lengths-desc">{escaped(described)}</desc>'
        f'<line x1="0" x2="{width}" y1="{_PLOT_HEIGHT}" y2="{_PLOT_HEIGHT}" class="axis"/>'
        f"{drawn}{labels}"
        f'<text x="{width}" y="{_PLOT_HEIGHT + 34}" text-anchor="end">{escaped(axis)}</text>'
        "</svg>"
    )


def _bar(place: int, side: int, part: float, share: float) -> str:
    height = max(part * (_PLOT_HEIGHT - 4), 1 if share else 0)
    left = place * _STEP_WIDTH + (_STEP_WIDTH - 2 * _BAR_WIDTH - 2) / 2 + side * (_BAR_WIDTH + 2)
    kind = ("messages", "replies")[side]
    return (
        f'<rect class="{kind}" x="{left:g}" y="{_PLOT_HEIGHT - height:.1f}" width="{_BAR_WIDTH}" '
        f'height="{height:.1f}" rx="2"><title>{share:.1%}</title></rect>'
    )


def _label(place: int, step: LengthStep) -> str:
    reach = f"{step.least}+" if step.most is None else f"{step.least}–{step.most}"
    middle = (place + 0.5) * _STEP_WIDTH
    return f'<text x="{middle:g}" y="{_PLOT_HEIGHT + 16}" text-anchor="middle">{reach}</text>'


def _languages(report: CorpusReport, language: Language) -> str:
    named = {
        text(language, key)
        if (key := f"corpus_language_{code}") in TEXTS[language]
        else code: share
        for code, share in report.languages.items()
    }
    return _shares((name, share, f"{share:.0%}") for name, share in named.items())


def _frequent(report: CorpusReport) -> str:
    top = report.top_replies[:_SHOWN_REPLIES]
    return _shares((use.reply, use.share, f"{use.share:.1%}") for use in top)


def _answered(report: CorpusReport, language: Language) -> Iterable[str]:
    most = report.much_answered[:_SHOWN_MESSAGES]
    if most:
        counts = [text(language, "corpus_answered_count", count=use.replies) for use in most]
        listed = [(use.message, 0.0, said) for use, said in zip(most, counts, strict=True)]
        yield _card(language, "corpus_answered", _shares(listed))


def _shares(rows: Iterable[tuple[str, float, str]]) -> str:
    """Returns names with a number each, on a bar as long as their share."""
    items = "".join(
        f'<li style="--share:{share:.4f}"><span>{shown(name)}</span> <b>{shown(said)}</b></li>'
        for name, share, said in rows
    )
    return f'<ul class="shares">{items}</ul>'


def _private(report: CorpusReport, language: Language) -> str:
    if not report.private:
        return _small(language, "corpus_private_none")
    told = "corpus_private_masked" if report.private_masked else "corpus_private_open"
    items = ""
    for use in report.private:
        count = text(language, f"corpus_private_{use.kind}", count=use.uses)
        examples = "".join(f"<q>{shown(e)}</q>" for e in use.examples[:_SHOWN_EXAMPLES])
        items += f"<li>{count} {examples}</li>"
    return f'<ul class="private">{items}</ul>{_small(language, told)}'


def _blocked(report: CorpusReport, language: Language) -> str:
    if not report.blocked_words:
        return _small(language, "corpus_blocked_none")
    uses = report.blocked_words[:_SHOWN_REPLIES]
    listed = _shares(
        (
            use.word,
            0.0,
            text(language, "corpus_blocked_use", replies=use.replies, messages=use.messages),
        )
        for use in uses
    )
    return f"{listed}{_small(language, 'corpus_blocked_note')}"


def _rejected(report: CorpusReport, language: Language) -> str:
    if not report.total.rejected:
        return _small(language, "corpus_rejected_none")
    counts = sorted(report.total.rejected.items(), key=lambda item: -item[1])
    total = report.total.extracted or 1
    return _shares((_reason(r, language), n / total, f"{n:,}") for r, n in counts if n)


def _reason(reason: str, language: Language) -> str:
    key = f"corpus_reason_{reason}"
    return text(language, key) if key in TEXTS[language] else reason.replace("_", " ")


def _remarks(report: CorpusReport, language: Language) -> Iterable[str]:
    if report.total.mended:
        yield note(text(language, "corpus_mended", count=report.total.mended))
    skipped = [name for source in report.sources for name in source.skipped_files]
    if skipped:
        names = ", ".join(skipped[:_SHOWN_REPLIES])
        yield note(text(language, "corpus_skipped", names=safe_text(names)))
    for said in (note_ for source in report.sources for note_ in source.notes):
        yield note(said)


def _small(language: Language, key: str) -> str:
    return f'<p class="small">{text(language, key)}</p>'

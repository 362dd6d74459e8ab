"""Any corpus -> neutral JSONL, one conversation a line: {"id", "turns"}. Knows no pairs."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import Conversation
from chatbot.corpus.slots import filled_conversation
from chatbot.errors import CorpusError


def convert(path: Path, out: Path) -> int:
    """Writes a corpus as JSONL (packed when `out` ends in .gz) and returns its conversations.

    The file appears whole or not at all; reading it gives the same turns, and speakers and the
    turns to learn where they were known. Open slots are filled, each conversation's by a draw of
    its own. Lone surrogates, which UTF-8 cannot hold, are left out.

    Raises:
        CorpusError: the corpus cannot be read, or `out` not be written.
    """
    if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
        raise CorpusError(
            f"{out} lies inside {path} and would become part of the corpus. "
            "Name a file outside of that folder."
        )
    beside = out.with_name(out.name + ".part")
    try:
        with beside.open("wb") as file:
            count = _write(read_conversations(path), file, packed=out.suffix == ".gz")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(out)
    except OSError as error:
        raise CorpusError(
            f"Cannot write {out}: {error.strerror}. Check the path and the space left."
        ) from None
    finally:
        beside.unlink(missing_ok=True)
    return count


def _write(
    conversations: Iterable[Conversation], file: IO[bytes] | gzip.GzipFile, *, packed: bool
) -> int:
    if packed:  # without name and time, so that the same corpus gives the same bytes
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as archive:
            return _write(conversations, archive, packed=False)
    count = 0
    for conversation in conversations:
        record = _record(filled_conversation(conversation))
        line = json.dumps(record, ensure_ascii=False) + "\n"
        file.write(line.encode("utf-8", errors="ignore"))
        count += 1
    return count


def _record(conversation: Conversation) -> dict[str, Any]:
    record: dict[str, Any] = {"id": conversation.id, "turns": conversation.turns}
    if conversation.context_only:
        record["turns"] = [_turn(conversation, place) for place in range(len(conversation.turns))]
    elif conversation.speakers:
        record["speakers"] = conversation.speakers
    if conversation.reply_speaker is not None:
        record["reply_speaker"] = conversation.reply_speaker
    return record


def _turn(conversation: Conversation, place: int) -> dict[str, Any]:
    """Returns a turn as a message of OpenAI's form, which can tell what is not to be learned."""
    turn: dict[str, Any] = {"text": conversation.turns[place]}
    if conversation.speakers:
        turn["speaker"] = conversation.speakers[place]
    if place in conversation.context_only:
        turn["weight"] = 0
    return turn

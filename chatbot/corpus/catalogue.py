"""The public sets of conversations: what each is, its licence, where it lies, whether it is here.

Read from catalogue.yml. Knows no network: fetching.py brings a set here. Read next: fetching.py.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from chatbot.errors import CorpusError
from chatbot.files import fetched_folder

CATALOGUE = Path(__file__).with_name("catalogue.yml")
RECORD = ".fetched.json"  # hidden, so that no reader takes it for a corpus
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")

Commercial = Literal["yes", "no", "unclear"]


class Part(BaseModel):
    """A file to download.

    Attributes:
        url: its public address.
        name: what it is called on disk.
        bytes: its size, where known.
        sha256: its sum, where its publisher or a user of it tells one.
        take: patterns of the members that are the corpus, where it is an archive.
        shape: how to rewrite it, where no reader knows its form.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://")
    name: str = Field(pattern=r"^\w[\w.-]*$")
    bytes: int | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    take: tuple[str, ...] = ()
    shape: Literal["speaker-lines", "exchanges", "spaced-dialogue", "spaced-words"] | None = None


class PublicSet(BaseModel):
    """A public set of conversations; catalogue.yml says what each field means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    about: str
    language: Literal["en", "zh"]
    holds: str
    licence: str
    commercial: Commercial
    page: str
    parts: tuple[Part, ...] = ()

    @property
    def bytes(self) -> int | None:
        """The size of the download; None where that of a part is unknown."""
        sizes = [part.bytes for part in self.parts]
        known = [size for size in sizes if size is not None]
        return sum(known) if known and len(known) == len(sizes) else None

    @property
    def folder(self) -> Path:
        """Where it lies once it is fetched."""
        return fetched_folder() / self.id

    def record(self) -> dict[str, Any] | None:
        """Returns what was noted when it was fetched (date, counts, sums), or None before that."""
        try:
            found = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def terms(self) -> dict[str, str]:
        """Returns what a bot trained on it has to tell of its licence."""
        return {"set": self.id, "licence": self.licence, "commercial": self.commercial}


def public_sets() -> dict[str, PublicSet]:
    """Returns the catalogue by id, in its own order."""
    # The base loader makes nothing but texts, lists and mappings: `no` stays a word.
    entries = yaml.load(CATALOGUE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    sets = (PublicSet.model_validate(entry) for entry in entries)
    return {one.id: one for one in sets}


def public_set(id_: str) -> PublicSet:
    """Returns the set of an id.

    Raises:
        CorpusError: there is none; the message names the nearest.
    """
    sets = public_sets()
    if id_ in sets:
        return sets[id_]
    near = difflib.get_close_matches(id_, sets, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    raise CorpusError(
        f"There is no public set {id_[:80]!r}. {guess}`python -m chatbot corpus list` shows all."
    )


def located(text: str) -> Path:
    """Returns the path that somebody named as a corpus: a file, a folder, or a catalogue id.

    Raises:
        CorpusError: it is the id of a set that is not fetched yet.
    """
    path = Path(text)
    if not _ID.match(text) or path.exists():
        return path
    found = public_sets().get(text)
    if found is None:
        return path  # reading it tells that it is missing
    if found.record() is None:
        raise CorpusError(
            f"{text} is a public set that is not here yet. Fetch it first with "
            f"`python -m chatbot corpus fetch {text}` (licence: {found.licence})."
        )
    return found.folder


def terms_of(path: Path) -> Mapping[str, str] | None:
    """Returns the terms of the public set that a corpus is or lies in, told by its folder's name.

    A copy of a set that somebody keeps elsewhere, in a folder of its name, is known as well.
    """
    sets = public_sets()
    parts = [*reversed(path.resolve().parts)]
    found = next((sets[part] for part in parts if part in sets), None)
    return found.terms() if found else None

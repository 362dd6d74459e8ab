"""Texts that only this program can have made: what cookies and forms carry.

Signed with a key of the page (HMAC-SHA256), not encrypted. Knows no owner, no visitor and no page.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import re
import secrets
from pathlib import Path

from chatbot.files import home

_LOG = logging.getLogger(__name__)
_KEY = re.compile(r"[0-9a-f]{64}\Z")


class Signer:
    """Signs texts for one purpose; what was signed for another one is refused."""

    def __init__(self, key: bytes, purpose: str) -> None:
        """Takes the page's key and what the texts are for."""
        self._key = hmac.digest(key, purpose.encode(errors="replace"), "sha256")

    @property
    def mark(self) -> str:
        """A few letters that differ from key to key and give nothing of it away."""
        return hmac.digest(self._key, b"mark", "sha256").hex()[:8]

    def sign(self, text: str) -> str:
        """Returns the text with its signature."""
        return f"{text}.{hmac.digest(self._key, text.encode(), 'sha256').hex()}"

    def read(self, signed: str) -> str | None:
        """Returns the text of a signed one; None where the signature does not belong to it.

        >>> signer = Signer(b"key", "a test")
        >>> signer.read(signer.sign("me")), signer.read("me." + "0" * 64)
        ('me', None)
        """
        text = signed.rpartition(".")[0]
        given = signed.encode(errors="replace")
        expected = self.sign(text.encode(errors="replace").decode()).encode()
        return text if hmac.compare_digest(given, expected) else None


def kept_key() -> bytes:
    """Returns the key of this home, made on its first use, so that cookies outlive a restart.

    Where the file cannot be kept, the key lasts as long as this process.
    """
    path = home() / "owner.key"
    fresh = secrets.token_hex(32)
    try:
        return bytes.fromhex(_read(path) or _made(path, fresh))
    except OSError as error:
        _LOG.warning(
            "%s cannot be kept (%s), so owner and visitors are forgotten at the next start.",
            path,
            error.strerror or error,
        )
        return bytes.fromhex(fresh)


def _read(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    path.chmod(0o600)
    return text if _KEY.match(text) else None


def _made(path: Path, fresh: str) -> str:
    """Writes the key where no other user can read it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(fresh + "\n")
        beside.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
    return _read(path) or fresh  # two programs may have made one at once: the last counts

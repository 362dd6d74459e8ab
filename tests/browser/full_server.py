"""The page of fake_server.py for browsers that have room for one conversation."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chatbot.ui import saved
from tests.browser import fake_server

if __name__ == "__main__":
    saved.MAX_SAVED = 1
    sys.exit(fake_server.main())

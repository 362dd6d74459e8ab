"""What every tab of the page is given: the bots, the words, the gate, the records, the trainings.

One object instead of five arguments to each tab; it does nothing itself but speak.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import gradio as gr

from chatbot.shelf import BotShelf
from chatbot.store import Store
from chatbot.ui.jobs import Jobs
from chatbot.ui.owner import OwnerGate
from chatbot.ui.share import Sharing
from chatbot.ui.visitors import Visitors
from chatbot.ui.words import Language, Words, language_of, text


@dataclass(frozen=True)
class Desk:
    """What the tabs share.

    Attributes:
        shelf: the bots to talk to.
        words: marks a text for translation in the browser.
        owner: tells the owner from a visitor.
        store: corrections, votes and visits.
        jobs: the trainings.
        fixed: the language of the page where the visitor's browser does not decide it.
        visitors: who is there, and whose messages are answered.
        sharing: the public link.
    """

    shelf: BotShelf
    words: Words
    owner: OwnerGate
    store: Store
    jobs: Jobs
    fixed: Language | None = None
    visitors: Visitors = field(default_factory=Visitors)
    sharing: Sharing = field(default_factory=Sharing)

    def language(self, request: gr.Request) -> Language:
        """Returns the language to answer this visitor in."""
        return language_of(request.headers.get("accept-language"), self.fixed)

    def say(self, request: gr.Request, key: str, **values: object) -> str:
        """Returns a text in the visitor's language."""
        return text(self.language(request), key, **values)

"""The fake server's page, with a trainer that trains nothing: `train_server.py [app.py options]`.

What that trainer does stands in `fake.txt` in CHATBOT_HOME, see `tests/ui/fake_trainer.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chatbot.ui import jobs
from tests.browser import fake_server

if __name__ == "__main__":
    trainer = Path(__file__).parents[1] / "ui" / "fake_trainer.py"
    jobs.CHATBOT = (sys.executable, str(trainer))
    sys.exit(fake_server.main())

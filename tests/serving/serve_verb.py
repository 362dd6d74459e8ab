"""Starts `python -m chatbot serve` as the tests' `Server` starts a page."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chatbot.cli import main

if __name__ == "__main__":
    sys.exit(main(["serve", *(option for option in sys.argv[1:] if option != "--no-browser")]))

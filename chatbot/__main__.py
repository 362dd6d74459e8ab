"""`python -m chatbot`: the command line."""

import sys

from chatbot.cli import main

sys.exit(main())

"""The chat page: a Gradio application in a browser, in English and Chinese.

`server` starts it, `page` puts it together, `chat` is the tab in which visitors talk. Importing
this package imports neither Gradio nor TensorFlow; bots are loaded while the page is served.
"""

from chatbot.ui.lean import import_lean
from chatbot.ui.threads import multiply_in_one, take_short_turns

multiply_in_one()
take_short_turns()
import_lean()

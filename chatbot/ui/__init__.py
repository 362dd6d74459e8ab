"""The chat page: a Gradio application in a browser, in English and Chinese.

`server` starts it, `page` puts it together, `chat` is the tab in which visitors talk. Importing
this package imports neither Gradio nor TensorFlow; bots are loaded while the page is served.
"""

import os

from chatbot.ui.lean import import_lean

# NumPy reads this once, when it is loaded. A second thread for its products makes no reply faster,
# and takes the processor from other visitors' requests.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import_lean()

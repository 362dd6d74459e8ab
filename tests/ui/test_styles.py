"""What Gradio makes of our style sheets."""

import re

import pytest

from chatbot.ui.page import STYLES


@pytest.mark.parametrize("path", sorted(STYLES.glob("*.css")), ids=lambda path: path.name)
def test_no_selector_has_a_comma_in_brackets(path):
    """Gradio 6.31 puts its prefix before every comma's right side, so `:is(a, b)` would break."""
    sheet = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    selectors = re.findall(r"([^{}@;]+)\{", sheet)
    assert selectors
    assert [s.strip() for s in selectors if re.search(r"\([^)]*,", s)] == []

"""The one cleaning of every text: what is dropped, and that most texts pass in a hurry."""

import unicodedata

import pytest

from chatbot.text.cleaning import clean_text

HIDING = set(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0xFEFF, 0xFFFD]))
EVERY_KIND = [*map(chr, range(0x3400)), *"\ud800\ue000\ufeff\ufffd\uffff好🙂", "\U000e0001"]


def sign_by_sign(text):
    """The same, written as what happens to each character."""
    seen = "".join(sign for sign in text if sign not in HIDING)
    spaced = " ".join(seen.split()) if seen.strip() else ""
    dropped = {"Cc", "Cs", "Co", "Cn"}
    kept = "".join(sign for sign in spaced if unicodedata.category(sign) not in dropped)
    return unicodedata.normalize("NFC", kept).strip()


@pytest.mark.parametrize("around", ["{}", "a{}b", " a {} b ", "a  {}", "e{}\u0301"])
def test_every_kind_of_character_is_kept_or_dropped_for_what_it_is(around):
    texts = [around.format(sign) for sign in EVERY_KIND]
    assert [t for t in texts if clean_text(t) != sign_by_sign(t)] == []

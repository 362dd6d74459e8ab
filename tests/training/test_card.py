"""The model card: what it says a bot may be used for."""

from chatbot.config import Config
from chatbot.training.card import commands_in, model_card

FACTS = {
    "name": "pip",
    "language": "en",
    "command": "python -m chatbot train talk --name pip",
    "corpora": [{"name": "talk", "weight": 1.0}],
    "base": None,
    "metrics": {
        "parameters": 1000, "nats": 2.0, "perplexity": 7.4, "validation_pairs": 10,
        "best_step": 5, "steps": 10, "minutes": 1.0, "device": "CPU", "precision": "float32",
    },
    "replies": {"Hi": "Hello!"},
}  # fmt: skip


def card(*licences):
    return model_card({**FACTS, "licences": list(licences)}, Config())


def terms(name, commercial, licence="CC BY-NC 4.0"):
    return {"set": name, "licence": licence, "commercial": commercial}


def test_a_bot_of_a_set_that_forbids_commercial_use_says_so():
    text = card(terms("dailydialog", "no"), terms("kdconv", "yes", "Apache-2.0"))
    assert "**Not for commercial use.** It learned from dailydialog, whose" in text
    assert "- kdconv: Apache-2.0" in text
    assert text.index("Not for commercial use") < text.index("## How it was trained")


def test_a_bot_of_a_set_without_a_licence_says_that_it_is_unclear():
    text = card(terms("films", "unclear", "none stated"), terms("pairs", "unclear", "none stated"))
    assert "Unclear for commercial use: nobody states a licence for films, pairs." in text
    assert "Not for commercial use" not in text


def test_a_bot_of_free_sets_lists_their_licences():
    text = card(terms("kdconv", "yes", "Apache-2.0"))
    assert "- kdconv: Apache-2.0" in text
    assert "commercial" not in text


def test_a_bot_of_no_public_set_says_nothing_of_licences():
    assert "may be used for" not in card()
    assert "may be used for" not in model_card(FACTS, Config())  # a run of an earlier version


def test_names_that_came_with_a_base_cannot_carry_markup():
    assert "<script>" not in card(terms("<script>", "no", "<script>"))


def test_a_bot_that_goes_on_from_another_tells_every_command_that_made_it():
    first = model_card({**FACTS, "commit": "12ab"}, Config())
    then = {**FACTS, "command": "python -m chatbot train more --name pip --from old"}
    second = model_card({**then, "before": commands_in(first), "commit": "34cd"}, Config())
    assert commands_in(second) == [
        "python -m chatbot train talk --name pip  # as of commit 12ab",
        "python -m chatbot train more --name pip --from old  # as of commit 34cd",
    ]


def test_a_strange_card_tells_no_command():
    assert commands_in("## How it was trained\n\n```\n<script>") == []

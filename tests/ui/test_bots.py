"""The shelf of bots: loading in the background, and what it says meanwhile."""

import threading

import pytest

from chatbot.errors import BundleError
from chatbot.ui.bots import BotCard, BotShelf, shelf_of_bundles

CARDS = [BotCard("one"), BotCard("two"), BotCard("three")]


class Loader:
    """Loads a bot, a string here, once `go` is set; counts how often."""

    def __init__(self, fault=None):
        self.go, self.calls, self.fault = threading.Event(), [], fault

    def __call__(self, card):
        self.calls.append(card.name)
        assert self.go.wait(5)
        if self.fault:
            raise self.fault
        return f"bot {card.name}"


@pytest.fixture
def loader():
    return Loader()


def ready(shelf, name):
    shelf.start(name)
    return shelf.wait(name, 5)


def test_a_bot_is_unloaded_until_somebody_wants_it(loader):
    assert BotShelf(CARDS, loader).state("one").stage == "unloaded"
    assert loader.calls == []


def test_starting_returns_at_once_and_waiting_gives_the_bot(loader):
    shelf = BotShelf(CARDS, loader)
    shelf.start("one")
    assert shelf.wait("one", 0.01).stage == "loading"
    loader.go.set()
    state = shelf.wait("one", 5)
    assert (state.stage, state.bot) == ("ready", "bot one")


def test_a_bot_that_many_want_is_loaded_once(loader):
    shelf = BotShelf(CARDS, loader)
    starters = [threading.Thread(target=shelf.start, args=("one",)) for _ in range(20)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    loader.go.set()
    assert shelf.wait("one", 5).bot == "bot one"
    assert loader.calls == ["one"]


def test_a_fault_is_one_line_and_the_other_bots_still_load(loader):
    shelf = BotShelf(CARDS, loader)
    loader.go.set()
    loader.fault = BundleError("Cannot use one: a file is missing. Copy it again.")
    state = ready(shelf, "one")
    assert (state.stage, state.bot, state.reason) == ("failed", None, str(loader.fault))
    loader.fault = None
    assert ready(shelf, "two").bot == "bot two"


def test_an_unexpected_error_is_logged_and_not_shown(loader, caplog):
    loader.go.set()
    loader.fault = ValueError("/a/secret/path")
    state = ready(BotShelf(CARDS, loader), "one")
    assert state.stage == "failed"
    assert "secret" not in state.reason
    assert "secret" in caplog.text


def test_a_bot_that_failed_is_tried_again_when_asked_for(loader):
    shelf = BotShelf(CARDS, loader)
    loader.go.set()
    loader.fault = BundleError("no")
    assert ready(shelf, "one").stage == "failed"
    loader.fault = None
    assert ready(shelf, "one").bot == "bot one"


def test_only_the_last_few_used_are_kept(loader):
    shelf = BotShelf(CARDS, loader, room=2)
    loader.go.set()
    for name in ("one", "two", "one", "three"):  # "two" was used longest ago
        assert ready(shelf, name).stage == "ready"
    assert [shelf.state(name).stage for name in shelf.names] == ["ready", "unloaded", "ready"]


def test_a_bot_that_is_not_there_is_named_with_those_that_are(loader):
    with pytest.raises(BundleError, match=r"no model 'four'.*one, two, three"):
        BotShelf(CARDS, loader).start("four")


def test_without_any_model_the_owner_is_told_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    with pytest.raises(BundleError, match="python -m chatbot train"):
        shelf_of_bundles()

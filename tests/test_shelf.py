"""The shelf of bots: loading in the background, and what it says meanwhile."""

import shutil
import threading
from dataclasses import replace

import pytest

from chatbot.bundle import edit_bundle, remove_bundle, rename_bundle, set_default_model
from chatbot.errors import BundleError
from chatbot.shelf import BotCard, BotShelf, shelf_of_bundles
from tests.ui.fake_trainer import hollow_bundle

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


def test_a_visitor_begins_with_a_bot_of_their_language_unless_the_owner_chose_one(loader):
    english, chinese = BotCard("pip", "en"), BotCard("xiaopi", "zh")
    shelf = BotShelf([english, chinese], loader)
    assert [shelf.first_for(language) for language in ("en", "zh", "fr")] == [
        "pip",
        "xiaopi",
        "pip",
    ]
    chosen = BotShelf([replace(english, leads=True), chinese], loader)
    assert chosen.first_for("zh") == "pip"


def test_the_english_bot_is_offered_first_and_a_default_before_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    for name, language in {"chinese": "zh", "english": "en", "mine": "en"}.items():
        hollow_bundle(tmp_path / "saved_models" / name, language=language)
    assert shelf_of_bundles().names == ["english", "mine", "chinese"]
    assert shelf_of_bundles().first_for("zh") == "chinese"
    set_default_model("mine")
    assert shelf_of_bundles().names == ["mine", "english", "chinese"]
    assert shelf_of_bundles().first_for("zh") == "mine"
    assert shelf_of_bundles("english").names[0] == "english"


def test_without_any_model_the_owner_is_told_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(tmp_path))
    with pytest.raises(BundleError, match="python -m chatbot train"):
        shelf_of_bundles()


# --- when the models on disk change --------------------------------------------------------------


class Disk:
    """The cards that there are now."""

    def __init__(self, *cards):
        self.cards = list(cards)

    def __call__(self):
        return self.cards


def test_new_bots_appear_and_removed_ones_go_with_a_note(loader):
    loader.go.set()
    disk = Disk(BotCard("one"), BotCard("two"))
    shelf = BotShelf(disk.cards, loader, look=disk)
    assert ready(shelf, "one").bot == "bot one"
    disk.cards = [BotCard("two"), BotCard("three")]
    assert shelf.refresh() == ["two", "three"]
    assert shelf.state("one").stage == "unloaded"
    with pytest.raises(BundleError, match=r"no model 'one'.*two, three"):
        shelf.start("one")
    assert ready(shelf, "three").bot == "bot three"


def test_a_bot_that_changed_is_loaded_again_and_the_others_stay(loader):
    loader.go.set()
    disk = Disk(BotCard("one", stamp="a"), BotCard("two"))
    shelf = BotShelf(disk.cards, loader, look=disk)
    ready(shelf, "one"), ready(shelf, "two")
    disk.cards = [BotCard("one", stamp="b"), BotCard("two")]
    shelf.refresh()
    ready(shelf, "one"), ready(shelf, "two")
    assert loader.calls == ["one", "two", "one"]


def test_a_bot_that_changes_while_it_loads_is_loaded_as_it_is_now(loader):
    disk = Disk(BotCard("one", stamp="a"))
    shelf = BotShelf(disk.cards, lambda card: f"{loader(card)} {card.stamp}", look=disk)
    shelf.start("one")
    disk.cards = [BotCard("one", stamp="b")]
    shelf.refresh()
    assert shelf.state("one").stage == "loading"
    loader.go.set()
    assert shelf.wait("one", 5).bot == "bot one b"


def test_a_bot_that_goes_while_it_loads_says_so(loader):
    disk = Disk(BotCard("one"), BotCard("two"))
    shelf = BotShelf(disk.cards, loader, look=disk)
    shelf.start("one")
    disk.cards = [BotCard("two")]
    shelf.refresh()
    loader.go.set()
    assert "no model 'one'" in shelf.wait("one", 5).reason


def test_a_page_keeps_its_bots_where_none_are_left_on_disk(loader):
    disk = Disk()
    assert BotShelf(CARDS, loader, look=disk).refresh() == ["one", "two", "three"]


def test_many_may_look_again_while_bots_are_started(loader):
    loader.go.set()
    disk = Disk(*CARDS)
    shelf = BotShelf(CARDS, loader, room=1, look=disk)

    def use(number):
        for step in range(20):
            disk.cards = [BotCard(card.name, stamp=str(step * number)) for card in CARDS]
            shelf.refresh()
            assert ready(shelf, CARDS[number % 3].name).stage in ("ready", "unloaded", "loading")

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert ready(shelf, "two").bot == "bot two"


def copied(home, *names):
    for name in names:
        shutil.copytree(home / "saved_models" / "tiny", home / "saved_models" / name)


def test_the_default_model_comes_first_and_so_does_the_one_that_was_asked_for(home):
    copied(home, "alpha", "zeta")
    assert shelf_of_bundles().names == ["alpha", "tiny", "zeta"]
    set_default_model("zeta")
    assert shelf_of_bundles().names == ["zeta", "alpha", "tiny"]
    shelf = shelf_of_bundles("tiny")
    assert shelf.names == ["tiny", "zeta", "alpha"]
    set_default_model("alpha")  # by the owner of the running page
    assert shelf.refresh() == ["alpha", "tiny", "zeta"]
    remove_bundle("tiny")
    assert shelf.refresh() == ["alpha", "zeta"]


def test_a_model_from_another_folder_stays_with_those_that_are_saved(home, tiny_bundle, tmp_path):
    copied(home, "alpha")
    elsewhere = shutil.copytree(tiny_bundle, tmp_path / "elsewhere")
    shelf = shelf_of_bundles(str(elsewhere))
    assert shelf.names == ["elsewhere", "alpha", "tiny"]
    shutil.rmtree(elsewhere)
    assert shelf.refresh() == ["alpha", "tiny"]


def test_renaming_and_editing_a_bundle_is_seen(home):
    shelf = shelf_of_bundles()
    before = shelf.card("tiny")
    edit_bundle("tiny", blocked_phrases=["bad"])
    assert shelf.refresh() == ["tiny"]
    assert shelf.card("tiny") != before
    assert shelf.card("tiny").decoding.blocked_phrases == ("bad",)
    rename_bundle("tiny", "pip")
    assert shelf.refresh() == ["pip"]

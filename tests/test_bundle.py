"""A bundle is whole or refused, and what is loaded answers as what was saved."""

import functools
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
import yaml

from chatbot.bot import Chatbot
from chatbot.bundle import archive as archives
from chatbot.bundle import (
    bundle_path,
    default_model,
    edit_bundle,
    list_bundles,
    load_bundle,
    pack_bundle,
    read_bundle_config,
    read_card,
    read_facts,
    read_info,
    remove_bundle,
    rename_bundle,
    set_default_model,
    unpack_bundle,
    verify_files,
)
from chatbot.config import changed
from chatbot.errors import BundleError, ConfigError
from chatbot.files import sha256_of
from chatbot.text.facts import Fact, FactBook, facts_from
from chatbot.text.tones import Tones

ROOT = Path(__file__).parent.parent


@pytest.fixture
def copy(tiny_bundle, tmp_path):
    return Path(shutil.copytree(tiny_bundle, tmp_path / "saved_models" / "copy"))


def test_a_bundle_without_its_network_written_down_replies_the_same(tiny_bundle, tmp_path):
    from chatbot.bundle.writing import seal

    bare = tmp_path / "bare"
    shutil.copytree(tiny_bundle, bare)
    (bare / "network.json").unlink()
    seal(bare)
    old, new = Chatbot.load(bare), Chatbot.load(tiny_bundle)
    assert type(old._bundle.network) is not type(new._bundle.network)
    messages = ["Hello!", "How are you?", "你好"]
    for one, other in zip(old.reply_batch(messages), new.reply_batch(messages), strict=True):
        assert one.text == other.text
        assert one.confidence == pytest.approx(other.confidence, rel=1e-4)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"AddV2", b"Surprise"),
        (b"encoder", b"encodes"),
        (b"layers/", b"stays/"),
        (b"[[", b"[3,["),
        (b'"num_split":3', b'"num_split":0'),
        (b'"num_split":3', b'"num_split":5'),
    ],
)
def test_a_network_that_is_no_list_of_operations_is_one_line(home, before, after):
    from chatbot.bundle.writing import seal

    path = home / "saved_models" / "tiny"
    written = (path / "network.json").read_bytes()
    assert before in written
    (path / "network.json").write_bytes(written.replace(before, after))
    seal(path)
    with pytest.raises(BundleError, match=r"network\.json is missing or differs"):
        load_bundle("tiny")


def test_how_a_network_from_outside_is_carried_out_is_written_anew(home, tmp_path):
    from chatbot.bundle.writing import seal

    own = home / "saved_models" / "tiny"
    before = (own / "network.json").read_bytes()
    (own / "network.json").write_bytes(before.replace(b"AddV2", b"Sub"))
    seal(own)
    packed = pack_bundle("tiny", tmp_path / "foreign.zip")
    unpacked = unpack_bundle(packed, "twin")
    assert (unpacked / "network.json").read_bytes() == before
    verify_files(unpacked)


def test_a_network_that_numpy_cannot_carry_out_is_saved_all_the_same(
    tiny_bundle, tmp_path, monkeypatch
):
    from chatbot.bundle import load_seq2seq
    from chatbot.bundle.writing import write_recording
    from chatbot.model import recording

    bare = tmp_path / "bare"
    shutil.copytree(tiny_bundle, bare)
    monkeypatch.setattr(recording, "ATTRIBUTES", {"MatMul": ("transpose_a", "transpose_b")})
    write_recording(bare, load_seq2seq(bare))
    assert not (bare / "network.json").exists()


def test_a_fresh_process_gives_identical_replies(tiny_bundle, tiny_bot):
    messages = ["Hello!", "What is your name?", "你好"]
    code = (
        "import json, sys; from chatbot import Chatbot; bot = Chatbot.load(sys.argv[1]);"
        "print(json.dumps([r.text for r in bot.reply_batch(json.loads(sys.argv[2]))]))"
    )
    command = [sys.executable, "-c", code, str(tiny_bundle), json.dumps(messages)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    replies = [reply.text for reply in tiny_bot.reply_batch(messages)]
    assert len(set(replies)) > 1
    assert json.loads(done.stdout.splitlines()[-1]) == replies


def test_a_bundle_is_found_by_name_and_by_folder(home, tiny_bundle):
    assert bundle_path("tiny") == home / "saved_models" / "tiny"
    assert bundle_path(tiny_bundle) == tiny_bundle
    assert [info.name for info in list_bundles()] == ["tiny"]


@pytest.mark.parametrize("name", ["missing", "../tiny", "", ".", "a/b"])
def test_a_name_that_leads_nowhere_names_what_there_is(home, name):
    with pytest.raises(BundleError, match="found: tiny"):
        bundle_path(name)


@pytest.mark.parametrize(
    "name", ["model.weights.h5", "tokenizer.model", "config.json", "metrics.json"]
)
def test_one_changed_byte_is_noticed_and_named(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(BundleError, match=name):
        load_bundle(copy)


@pytest.mark.parametrize("name", ["model.weights.h5", "manifest.json", "README.md"])
def test_a_missing_file_is_noticed(copy, name):
    (copy / name).unlink()
    with pytest.raises(BundleError):
        load_bundle(copy)


def test_a_newer_format_is_refused_in_one_line(copy):
    say(copy, format=99)
    with pytest.raises(BundleError, match="its format is 99, not 1") as caught:
        load_bundle(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("config", [[], 5, "x", None, {"model": []}, {"model": {"hybrid": "x"}}])
def test_a_configuration_that_is_none_is_one_line(copy, config):
    say(copy, config=config)
    with pytest.raises((BundleError, ConfigError)) as caught:
        load_bundle(copy)
    assert "\n" not in str(caught.value)


def say(bundle, **changes):
    """Changes what config.json says, and its sum."""
    about = json.loads((bundle / "config.json").read_text())
    (bundle / "config.json").write_text(json.dumps({**about, **changes}))
    sums = json.loads((bundle / "manifest.json").read_text())
    sums["config.json"] = sha256_of(bundle / "config.json")
    (bundle / "manifest.json").write_text(json.dumps(sums))


def test_a_damaged_bundle_does_not_hide_the_others(copy, tiny_bundle):
    shutil.copytree(tiny_bundle, copy.with_name("good"))
    (copy / "config.json").write_text("{")
    assert [info.name for info in list_bundles(copy.parent)] == ["good"]


def test_weights_are_stored_in_half_precision(tiny_bundle):
    import h5py

    kinds = set()
    with h5py.File(tiny_bundle / "model.weights.h5") as file:
        file.visititems(lambda _, item: kinds.add(str(getattr(item, "dtype", "group"))))
    assert "float16" in kinds
    assert "float32" not in kinds


def test_removing_takes_the_folder_away(copy, monkeypatch):
    monkeypatch.setenv("CHATBOT_HOME", str(copy.parent.parent))
    remove_bundle("copy")
    assert not copy.exists()
    with pytest.raises(ConfigError, match="cannot name a model"):
        remove_bundle("../copy")


# --- another name, another default ---------------------------------------------------------------


def names():
    return [info.name for info in list_bundles()]


def lies_about(home):
    """What lies in saved_models/ besides bundles and the lock."""
    known = {*names(), ".lock", "default"}
    return sorted(path.name for path in (home / "saved_models").iterdir() if path.name not in known)


def test_a_renamed_bundle_is_whole_under_its_new_name_alone(home):
    (home / "saved_models" / "tiny" / "corpus.parquet").write_bytes(b"pairs")
    assert rename_bundle("tiny", "Pip-2") == home / "saved_models" / "Pip-2"
    assert names() == ["Pip-2"]
    path = bundle_path("Pip-2")
    verify_files(path)
    assert read_card(path) == "# Pip-2\n"
    assert (path / "corpus.parquet").read_bytes() == b"pairs"
    assert lies_about(home) == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hid", "x" * 65, "name\n", "Default", "<b>"])
def test_what_cannot_name_a_model_is_refused_and_nothing_changes(home, name):
    with pytest.raises(ConfigError, match="cannot name a model"):
        rename_bundle("tiny", name)
    assert names() == ["tiny"]
    assert lies_about(home) == []


def test_a_taken_name_is_refused(home, tiny_bundle):
    shutil.copytree(tiny_bundle, home / "saved_models" / "other")
    for new in ("other", "tiny"):
        with pytest.raises(BundleError, match=r"is a model .* already"):
            rename_bundle("tiny", new)
    with pytest.raises(BundleError, match="no model 'nobody'"):
        rename_bundle("nobody", "new")
    assert names() == ["other", "tiny"]


def test_the_default_is_remembered_follows_its_name_and_ends_with_its_bundle(home):
    assert default_model() is None
    with pytest.raises(BundleError, match="no model 'nobody'"):
        set_default_model("nobody")
    set_default_model("tiny")
    assert (home / "saved_models" / "default").read_text() == "tiny\n"
    assert default_model() == "tiny"
    rename_bundle("tiny", "pip")
    assert default_model() == "pip"
    remove_bundle("pip")
    assert default_model() is None


@pytest.mark.parametrize("written", ["", "../tiny", "a\nb", "\x00", "nobody"])
def test_a_default_that_leads_nowhere_is_none(home, written):
    (home / "saved_models" / "default").write_text(written)
    assert default_model() is None


# --- what the owner may change -------------------------------------------------------------------

NAME = Fact(("What is your name?",), "I'm Pip.")
HOME = Fact(("Where do you live?", "你住哪里？"), "In <b>here</b>.")


def test_facts_and_blocked_words_are_stored_in_the_manifest_and_loaded(home):
    before = sha256_of(home / "saved_models" / "tiny" / "model.weights.h5")
    edit_bundle("tiny", facts=[NAME])
    edit_bundle("tiny", facts=lambda facts: [*facts, HOME])
    edit_bundle("tiny", blocked_phrases=[" bad\nword ", "", "坏", "坏"])
    path = bundle_path("tiny")
    verify_files(path)
    assert "facts.json" in json.loads((path / "manifest.json").read_text())
    assert sha256_of(path / "model.weights.h5") == before
    bundle = load_bundle("tiny")
    assert bundle.facts == (NAME, HOME)
    assert bundle.config.decoding.blocked_phrases == ("bad word", "坏")
    edit_bundle("tiny", facts=[])
    assert read_facts(path) == ()
    assert not (path / "facts.json").exists()
    assert read_bundle_config(path).decoding.blocked_phrases == ("bad word", "坏")
    assert lies_about(home) == []


def test_changed_facts_on_disk_are_noticed(home):
    edit_bundle("tiny", facts=[NAME])
    path = bundle_path("tiny")
    (path / "facts.json").write_text("[]")
    with pytest.raises(BundleError, match=r"facts\.json"):
        load_bundle("tiny")
    with pytest.raises(BundleError, match=r"facts\.json"):  # new sums must not hide it
        edit_bundle("tiny", blocked_phrases=["x"])


@pytest.mark.parametrize(
    "change",
    [
        {"facts": [Fact((" ",), "x")]},
        {"facts": [NAME] * 201},
        {"blocked_phrases": ["x" * 101]},
        {"blocked_phrases": [str(n) for n in range(1001)]},
    ],
)
def test_what_cannot_be_stored_leaves_the_bundle_as_it_was(home, change):
    edit_bundle("tiny", facts=[NAME])
    with pytest.raises(ConfigError):
        edit_bundle("tiny", **change)
    verify_files(bundle_path("tiny"))
    assert read_facts(bundle_path("tiny")) == (NAME,)
    assert lies_about(home) == []


def test_a_full_disk_leaves_the_bundle_as_it_was(home, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chatbot.bundle.writing.write_whole", full)
    with pytest.raises(OSError, match="No space"):
        edit_bundle("tiny", facts=[NAME])
    verify_files(bundle_path("tiny"))
    assert lies_about(home) == []


def test_facts_added_at_once_are_all_kept(home):
    def add(number):
        edit_bundle("tiny", facts=lambda facts: [*facts, Fact((f"Question {number}?",), "Yes.")])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_facts(bundle_path("tiny"))) == 8
    verify_files(bundle_path("tiny"))


def test_a_crash_between_two_steps_loses_no_bundle(home):
    """The old one was moved away, and the program ended before the new one took its place."""
    models = home / "saved_models"
    shutil.copytree(models / "tiny", models / ".tiny-abcd1234")
    (models / "tiny").rename(models / ".tiny-abcd1234-old")
    assert names() == ["tiny"]
    verify_files(bundle_path("tiny"))
    shutil.copytree(models / "tiny", models / ".tiny-abcd5678-old")  # here it had taken its place
    os.utime(models / ".tiny-abcd1234", (0, 0))
    set_default_model("tiny")
    assert lies_about(home) == []


# --- one file ------------------------------------------------------------------------------------


@pytest.fixture
def packed(home, tmp_path):
    (home / "saved_models" / "tiny" / "corpus.parquet").write_bytes(b"private")
    return pack_bundle("tiny", tmp_path)


def repacked(packed, **changes):
    """Writes the archive anew, its manifest fitting again, with some files replaced or dropped."""
    with zipfile.ZipFile(packed) as archive:
        files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    files |= {name: data for name, data in changes.items() if data is not None}
    files = {name: data for name, data in files.items() if changes.get(name, b"") is not None}
    for name, data in files.items():
        (packed.parent / "part").write_bytes(data)
        sums = json.loads(files["manifest.json"])
        if name in sums:
            files["manifest.json"] = json.dumps(
                {**sums, name: sha256_of(packed.parent / "part")}
            ).encode()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"tiny/{name}", data)
    return packed


def refused(path, why, error=BundleError):
    before = names()
    with pytest.raises(error, match=why) as caught:
        unpack_bundle(path, "fresh")
    assert "\n" not in str(caught.value)
    assert ".unpacked" not in str(caught.value)
    assert names() == before
    assert lies_about(Path(os.environ["CHATBOT_HOME"])) == []


def test_a_packed_bundle_is_the_same_bytes_each_time_and_holds_no_pairs(home, packed, tmp_path):
    assert packed.name == "tiny.chatbot.zip"
    again = pack_bundle("tiny", tmp_path / "again.zip")
    assert again.read_bytes() == packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        assert {Path(name).parent.name for name in archive.namelist()} == {"tiny"}
        assert not any("corpus" in name for name in archive.namelist())
    with pytest.raises(BundleError, match="exists already"):
        pack_bundle("tiny", again)


def test_one_too_large_to_be_taken_in_is_not_packed(home, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LIMIT_BYTES", 1_000)
    with pytest.raises(BundleError, match="Copy the folder itself") as caught:
        pack_bundle("tiny", tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.zip*"))


def test_a_bundle_travels_with_its_facts_and_answers_the_same(home, tiny_bot, tmp_path):
    from chatbot.bot import Chatbot

    edit_bundle("tiny", facts=[NAME])
    packed = pack_bundle("tiny", tmp_path)
    with pytest.raises(BundleError, match="is a model 'tiny' already"):
        unpack_bundle(packed)
    assert unpack_bundle(packed, "twin").name == "twin"
    bot = Chatbot.load("twin")
    assert bot.reply("Hello!") == tiny_bot.reply("Hello!")
    assert bot.reply("what's your name").text == "I'm Pip."
    remove_bundle("tiny")
    assert unpack_bundle(packed).name == "tiny"


@pytest.mark.parametrize("name", ["../fresh", "", "default"])
def test_the_name_of_an_upload_is_checked_too(packed, name):
    with pytest.raises(ConfigError, match="cannot name a model"):
        unpack_bundle(packed, name)


@pytest.mark.parametrize(
    "place",
    ["../../evil", "/etc/evil", "tiny/../evil", "tiny\\evil", "C:/evil", "tiny/sub/evil", "evil"],
)
def test_names_that_lead_elsewhere_are_refused(packed, home, place):
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(place, b"x")
    refused(packed, "does not belong in it")
    assert not list(home.parent.rglob("evil"))


@pytest.mark.parametrize(
    "name", ["tiny/run.py", "tiny/corpus.parquet", "tiny/.lock", "other/config.json"]
)
def test_files_that_no_bundle_has_are_refused(packed, name):
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(name, b"x")
    refused(packed, "does not belong in it|more than one folder")


def test_links_and_encrypted_and_doubled_entries_are_refused(packed):
    link = zipfile.ZipInfo("tiny/facts.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    whole = packed.read_bytes()
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(packed, "does not belong in it")
    packed.write_bytes(whole)
    with zipfile.ZipFile(packed, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("tiny/README.md", "twice")
    refused(packed, "a file twice")
    packed.write_bytes(
        whole.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    )
    refused(packed, "does not belong in it")


def test_bombs_are_refused_by_what_they_promise_and_by_what_they_give(packed, monkeypatch):
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny/facts.json", b" " * 3_000_000)
    assert packed.stat().st_size < 1_000_000
    monkeypatch.setattr(archives, "LIMIT_BYTES", 1_000_000)
    refused(packed, "more than 1 MB")
    monkeypatch.setattr(archives, "LIMIT_BYTES", 1000)
    refused(packed, "more than 0 MB")


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x05\x06" + bytes(18), b"\x00" * 5000])
def test_what_is_no_archive_is_refused(home, tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    refused(tmp_path / "x.zip", r"Cannot read x\.zip")
    refused(tmp_path / "missing.zip", "There is no file")


def test_a_cut_or_changed_archive_is_refused(packed):
    whole = packed.read_bytes()
    packed.write_bytes(whole[:-200])
    refused(packed, "no whole zip file")
    packed.write_bytes(whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:])
    refused(packed, "no whole zip file|differs")


def test_files_that_are_missing_or_not_what_the_manifest_says_are_refused(packed):
    whole = packed.read_bytes()
    refused(repacked(packed, **{"metrics.json": None}), "is missing or differs")
    packed.write_bytes(whole)
    refused(repacked(packed, **{"manifest.json": b"{}"}), "is missing or differs")
    packed.write_bytes(whole)
    refused(repacked(packed, **{"manifest.json": b"[1]"}), r"manifest\.json")


def changed_about(packed, **changes):
    with zipfile.ZipFile(packed) as archive:
        about = json.loads(archive.read("tiny/config.json"))
    for key, value in changes.items():
        section, _, name = key.rpartition("__")
        (about["config"][section] if section else about)[name] = value
    return repacked(packed, **{"config.json": json.dumps(about).encode()})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": 2}, "its format is 2, not 1"),
        ({"parameters": "many"}, r"config\.json"),
        ({"parameters": 10**12}, "not those that its configuration asks for"),
        ({"model__encoder_units": 4096, "model__decoder_units": 4096}, "attention|asks for"),
        ({"model__secret": 1}, "Unknown setting"),
        ({"model__attention": "none"}, "two different trainings"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(packed, changes, why):
    refused(changed_about(packed, **changes), why)


def hdf5(build):
    import h5py

    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        build(file)
    return data.getvalue()


def nan(file):
    file["a"] = [float("nan")] * 100


def huge(file):
    file.create_dataset("a", shape=(10**9,), dtype="f4", chunks=(10**6,), compression="gzip")


def outside(file):
    import h5py

    file["a"] = h5py.ExternalLink("/etc/passwd", "/")


def stored_outside(file):
    file.create_dataset("a", shape=(10,), dtype="u1", external=[("/etc/passwd", 0, 10)])


def endless(file):
    file.create_group("a")["a"] = file["/"]


@pytest.mark.parametrize("build", [nan, huge, outside, stored_outside, endless])
def test_weights_that_are_none_are_refused_before_they_are_loaded(packed, build):
    refused(repacked(packed, **{"model.weights.h5": hdf5(build)}), "weights")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.weights.h5", b"no weights"),
        ("tokenizer.model", b"no tokenizer"),
        ("facts.json", b'[{"says": 1}]'),
        ("tones.json", b'{"glad": 1}'),
        ("README.md", b"\xff\xfe\x00"),
        ("replies.json", b"[]"),
    ],
)
def test_a_part_that_cannot_be_read_is_refused(packed, name, data):
    if name in ("facts.json", "tones.json"):
        edit_bundle("tiny", facts=[NAME], tones=Tones(("How nice!",), ("Oh dear.",)))
        packed.unlink()
        pack_bundle("tiny", packed)
    refused(repacked(packed, **{name: data}), "Cannot use|cannot be read|Cannot load")


def test_scores_of_another_kind_do_not_stop_the_list(home):
    path = bundle_path("tiny")
    (path / "metrics.json").write_text('{"perplexity": "<b>"}')
    assert str(read_info(path).perplexity) == "nan"


BOTS = pytest.mark.parametrize(("name", "language"), [("english", "en"), ("chinese", "zh")])


@functools.cache  # nobody changes what comes of it
def read_corpus(name):
    text = (ROOT / "corpora" / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))


def crises(language):
    """What the corpora say of danger to life, as situations."""
    situations = read_corpus(f"small-talk.{language}.yml")["situations"]
    found = [situation for situation in situations if situation.get("gist") == "crisis"]
    said = read_corpus(f"messages.{language}.yml")["messages"]["crisis"]
    single = [message for message in said if isinstance(message, str)]
    replies = read_corpus(f"gists.{language}.yml")["gists"]["crisis"]
    return [*found, {"says": single, "replies": replies}]


def words_of_danger(language):
    return facts_from(read_corpus(f"crisis.{language}.yml")["facts"])


def pointing_to_help(language):
    """The replies that the corpora give to danger; those to plain sadness are not among them."""
    fixed = {f.reply for f in words_of_danger(language) if any("*" in w for w in f.says)}
    return fixed | {reply for crisis in crises(language) for reply in crisis["replies"]}


def unhelped(name, language, messages):
    """The messages that the shipped bot does not answer with a reply that points to help."""
    known, helping = FactBook(read_facts(ROOT / "saved_models" / name)), pointing_to_help(language)
    found = {message: known.find(message) for message in messages}
    return [m for m, fact in found.items() if fact is None or fact.reply not in helping]


@BOTS
def test_a_shipped_bot_answers_every_crisis_message_of_its_corpus_word_for_word(name, language):
    """Here a small network must not guess; corpora/fixed_replies.py puts these replies in."""
    assert len(crises(language)) > 10
    assert unhelped(name, language, [w for c in crises(language) for w in c["says"]]) == []


@BOTS
def test_a_shipped_bot_points_to_help_wherever_words_of_danger_stand(name, language):
    starred = [w for fact in words_of_danger(language) for w in fact.says if "*" in w]
    assert len(starred) > 40
    messages = [w.replace("*", " well ") for w in starred]  # around the words and between them
    assert unhelped(name, language, messages) == []


@BOTS
def test_a_shipped_bot_says_what_is_fixed_for_plain_sadness(name, language):
    known = FactBook(read_facts(ROOT / "saved_models" / name))
    plain = {w: f.reply for f in words_of_danger(language) for w in f.says if "*" not in w}
    assert len(plain) > 5
    assert {wording: known.find(wording).reply for wording in plain} == plain


@BOTS
def test_a_shipped_bot_greets_thanks_and_parts_in_fixed_words(name, language):
    known = FactBook(read_facts(ROOT / "saved_models" / name))
    plain = facts_from(read_corpus(f"plain.{language}.yml")["facts"])
    assert len(plain) > 5
    assert {f.reply for f in plain for w in f.says if known.find(w).reply != f.reply} == set()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("english", "I ran 5 kms today"),
        ("english", "he beats me at chess every time"),
        ("english", "nice town, but I don't want to live there"),
        ("english", "cut myself again while shaving"),
        ("english", "that film is about a girl who was raped"),
        ("chinese", "今天不想活动"),
        ("chinese", "没有空调活不下去了"),
        ("chinese", "想看那部关于强奸犯的恐怖片"),
        ("chinese", "看球看到心梗"),
    ],
)
def test_words_that_only_sound_like_danger_get_no_fixed_reply(name, message):
    assert FactBook(read_facts(ROOT / "saved_models" / name)).find(message) is None


@BOTS
def test_a_shipped_bot_knows_what_nine_of_ten_unseen_messages_come_to(name, language):
    """It says one of the general replies for their gist, or what is fixed for them."""
    said = read_corpus(f"held-out.{language}.yml")["messages"]
    replies = read_corpus(f"gists.{language}.yml")["gists"]
    bot = Chatbot.load(ROOT / "saved_models" / name)
    asked = [(message, gist) for gist, messages in said.items() for message in messages]
    found = bot.reply_batch([m for m, _ in asked], changed(bot.decoding, strategy="greedy"))
    fits = [r.fact or r.text in replies[g] for (_, g), r in zip(asked, found, strict=True)]
    assert sum(fits) / len(asked) > 0.9

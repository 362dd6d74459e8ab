"""A bundle is whole or refused, and what is loaded answers as what was saved."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.bundle import bundle_path, list_bundles, load_bundle, remove_bundle
from chatbot.errors import BundleError, ConfigError
from chatbot.files import sha256_of

ROOT = Path(__file__).parent.parent


@pytest.fixture
def copy(tiny_bundle, tmp_path):
    return Path(shutil.copytree(tiny_bundle, tmp_path / "saved_models" / "copy"))


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
    about = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**about, "format": 99}))
    sums = json.loads((copy / "manifest.json").read_text())
    sums["config.json"] = sha256_of(copy / "config.json")
    (copy / "manifest.json").write_text(json.dumps(sums))
    with pytest.raises(BundleError, match="its format is 99, not 1") as caught:
        load_bundle(copy)
    assert "\n" not in str(caught.value)


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

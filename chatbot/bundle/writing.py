"""Writing a bundle, and changing one: each change appears whole or not at all.

A changed bundle is put together beside its place from links to the files that stay, gets a new
manifest, and takes its place in one step. Imports no TensorFlow, save to write a network down.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatbot.bundle.reading import (
    CARD,
    CORPUS,
    DEFAULT,
    FACTS,
    FORMAT,
    LISTED,
    MANIFEST,
    MAY_BE_LISTED,
    NETWORK,
    SHORTLIST,
    TOKENIZER,
    TONES,
    WEIGHTS,
    chosen_default,
    free_place,
    load_weights,
    named_folder,
    no_model,
    read_bundle_config,
    read_card,
    read_facts,
    read_json,
    read_tones,
    recording_of,
    verify_files,
)
from chatbot.bundle.staging import alone, fill_from, remove, staged_folder, swap
from chatbot.config import Config, changed
from chatbot.errors import ChatbotError, ConfigError
from chatbot.files import checked_name, models_folder, sha256_of, write_whole
from chatbot.text.cleaning import clean_text
from chatbot.text.facts import Fact, facts_from, plain_facts
from chatbot.text.tokenizer import Tokenizer
from chatbot.text.tones import Tones, plain_tones, tones_from

if TYPE_CHECKING:
    from chatbot.model.network import Seq2Seq

MAX_BLOCKED, MAX_BLOCKED_CHARACTERS = 1000, 100


class BundleWriter:
    """Puts a bundle together beside its place and moves it there in one step.

    The weights come first, since they are rounded to float16 and everything else (scores,
    replies) has to be measured on the rounded ones: `weights`, then `finish`.
    """

    def __init__(self, name: str, root: Path | None = None) -> None:
        """Opens an empty folder beside `root/name`."""
        self.target = (root or models_folder()) / checked_name(name)
        self._folder = staged_folder(self.target.parent, name)

    def weights(self, seq2seq: Seq2Seq) -> None:
        """Stores the weights as float16 and loads the rounded ones back into `seq2seq`."""
        from chatbot.model.stored import round_to_float16

        path = self._folder / WEIGHTS
        seq2seq.training.save_weights(path)
        round_to_float16(path)
        load_weights(self._folder, seq2seq)
        self._parameters = int(seq2seq.training.count_params())
        write_recording(self._folder, seq2seq)

    def finish(
        self,
        config: Config,
        tokenizer: Tokenizer,
        about: Mapping[str, Any],
        metrics: Mapping[str, Any],
        replies: Mapping[str, str],
        card: str,
        corpus: Path | None = None,
        like: Path | None = None,
        shortlist: Sequence[int] | None = None,
    ) -> Path:
        """Writes the rest and moves the folder into place; an old bundle stays until then.

        Args:
            config: the effective configuration.
            tokenizer: the one that the model was trained with.
            about: `language`, `description`, `created`, `versions`, `licences`.
            metrics: scores on the validation side.
            replies: probe message -> reply of the rounded weights.
            card: the model card, Markdown.
            corpus: the training pairs (Parquet), kept beside for the owner alone.
            like: a bundle whose facts, tones and blocked words this one keeps, if it can be read.
            shortlist: ids of the tokens that the bot can say; None: all.
        """
        facts, tones, blocked = _rules_of(like)
        blocked = (*config.decoding.blocked_phrases, *blocked)
        config = _blocking(config, blocked) if blocked else config
        (self._folder / TOKENIZER).write_bytes(tokenizer.serialized)
        self._json("config.json", self._about(config, about))
        self._json("metrics.json", metrics)
        self._json("replies.json", replies)
        (self._folder / CARD).write_text(card, encoding="utf-8")
        _write_facts(self._folder, facts)
        _write_tones(self._folder, tones)
        if shortlist is not None:
            plain = json.dumps({"token_ids": list(shortlist)})
            write_whole(self._folder / SHORTLIST, plain.encode())
        seal(self._folder)
        if corpus is not None:  # not in the manifest: it is left out of every copy that leaves here
            shutil.copyfile(corpus, self._folder / CORPUS)
        with alone(self.target.parent):
            swap(self._folder, self.target)
        return self.target

    def discard(self) -> None:
        """Removes what was written so far."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _about(self, config: Config, about: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "format": FORMAT,
            **about,
            "parameters": self._parameters,
            "config": config.model_dump(mode="json"),
        }

    def _json(self, name: str, values: Mapping[str, Any]) -> None:
        _write_json(self._folder / name, values)


def write_recording(folder: Path, seq2seq: Seq2Seq) -> None:
    """Writes the network down, so that replies need no TensorFlow.

    Where that cannot be done, as on another backend of Keras, they need it.
    """
    import keras

    (folder / NETWORK).unlink(missing_ok=True)
    if keras.backend.backend() == "tensorflow":
        with suppress(NotImplementedError):  # a training that took hours must not fail by this
            plain = json.dumps(recording_of(folder, seq2seq), separators=(",", ":"))
            write_whole(folder / NETWORK, plain.encode())


def remove_bundle(name: str) -> None:
    """Deletes a bundle by name, with its training pairs."""
    with alone(models_folder()):
        remove(named_folder(name))


def rename_bundle(old: str, new: str) -> Path:
    """Gives a bundle another name, in its card as well, and stays the default if it was.

    Raises:
        ConfigError: the new name cannot name a model.
        BundleError: there is no such model, or one of the new name.
    """
    root = models_folder()
    with alone(root):
        path, target = named_folder(old), free_place(new)
        verify_files(path)  # else the new sums would make a damaged file pass
        with _changing(path) as folder:
            card = read_card(folder).splitlines(keepends=True)
            if card and card[0].strip() == f"# {old}":
                write_whole(folder / CARD, "".join([f"# {new}\n", *card[1:]]).encode())
            seal(folder)
            folder.rename(target)
        if chosen_default() == old:
            _set_default(new)
        remove(path)  # last: a crash before leaves the bundle under both names
    return target


def edit_bundle(
    name: str,
    *,
    facts: Sequence[Fact] | Callable[[tuple[Fact, ...]], Sequence[Fact]] | None = None,
    blocked_phrases: Sequence[str] | None = None,
    tones: Tones | None = None,
) -> None:
    """Changes what the owner may change of a trained bot; None leaves a thing as it is.

    Args:
        name: of the bundle.
        facts: all of its facts, or what makes the new ones out of those there are.
        blocked_phrases: all phrases that no reply may hold.
        tones: which replies are glad and which sorry.

    Raises:
        BundleError: there is no such model, or it is damaged.
        ConfigError: a fact, a phrase or a tone cannot be used.
    """
    with alone(models_folder()):
        path = named_folder(name)
        verify_files(path)  # else the new sums would make a damaged file pass
        with _changing(path) as folder:
            if facts is not None:
                _write_facts(folder, facts(read_facts(path)) if callable(facts) else facts)
            if blocked_phrases is not None:
                _write_blocked(folder, blocked_phrases)
            if tones is not None:
                _write_tones(folder, tones)
            seal(folder)
            swap(folder, path)


def set_default_model(name: str) -> None:
    """Chooses the bundle that a page begins with.

    Raises:
        BundleError: there is none of this name.
    """
    with alone(models_folder()):
        if not (named_folder(name) / MANIFEST).is_file():
            raise no_model(name)
        _set_default(name)


def _set_default(name: str) -> None:
    write_whole(models_folder() / DEFAULT, f"{name}\n".encode())


@contextmanager
def _changing(path: Path) -> Iterator[Path]:
    """Gives a twin of a bundle to change; whoever does moves it to its place."""
    folder = staged_folder(path.parent, path.name)
    try:
        fill_from(path, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_facts(folder: Path, facts: Sequence[Fact]) -> None:
    _write_if_any(folder / FACTS, plain_facts(facts_from(plain_facts(facts))))


def _write_tones(folder: Path, tones: Tones) -> None:
    checked = tones_from(plain_tones(tones))
    _write_if_any(folder / TONES, plain_tones(checked) if checked.replies else {})


def _write_if_any(path: Path, plain: Any) -> None:
    path.unlink(missing_ok=True)
    if plain:
        _write_json(path, plain)


def _write_blocked(folder: Path, phrases: Sequence[str]) -> None:
    kept = list(filter(None, map(clean_text, phrases)))
    if len(kept) > MAX_BLOCKED or any(len(phrase) > MAX_BLOCKED_CHARACTERS for phrase in kept):
        raise ConfigError(
            f"At most {MAX_BLOCKED:,} words can be blocked, of {MAX_BLOCKED_CHARACTERS} "
            "characters each. Shorten the list."
        )
    about, config = read_json(folder, "config.json"), read_bundle_config(folder)
    about["config"] = _blocking(config, kept).model_dump(mode="json")
    _write_json(folder / "config.json", about)


def _blocking(config: Config, phrases: Sequence[str]) -> Config:
    once = tuple(dict.fromkeys(phrases))
    return changed(config, decoding=changed(config.decoding, blocked_phrases=once))


def _rules_of(path: Path | None) -> tuple[tuple[Fact, ...], Tones, tuple[str, ...]]:
    """Returns the facts, tones and blocked words of a bundle; none where it cannot be read."""
    none = (), Tones(), ()
    try:
        if path is None or not (path / MANIFEST).is_file():
            return none
        blocked = read_bundle_config(path).decoding.blocked_phrases
        return read_facts(path), read_tones(path), blocked
    except ChatbotError:  # a training that took hours must not fail by this
        return none


def _write_json(path: Path, values: Any) -> None:
    write_whole(path, json.dumps(values, indent=2, ensure_ascii=False).encode("utf-8"))


def seal(folder: Path) -> None:
    """Writes the manifest of all files as they are now."""
    names = [*LISTED, *(name for name in MAY_BE_LISTED if (folder / name).is_file())]
    _write_json(folder / MANIFEST, {name: sha256_of(folder / name) for name in names})

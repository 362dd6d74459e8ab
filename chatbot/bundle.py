"""A trained bot on disk: `saved_models/<name>/`, plain files and no code.

`config.json` (architecture, settings, versions), `model.weights.h5` (float16), `tokenizer.model`,
`metrics.json`, `replies.json` (what it answered when it was saved), `README.md` (the model card)
and `manifest.json` (a SHA-256 sum for each). The graph is rebuilt from the configuration, so
nothing that is loaded can run. Listing bundles imports no TensorFlow. Knows no conversation.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chatbot.config import Config, validated
from chatbot.errors import BundleError
from chatbot.files import checked_name, models_folder, sha256_of, write_whole
from chatbot.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from chatbot.model.network import Seq2Seq

FORMAT = 1  # raised when older programs could not read a bundle any more
WEIGHTS, TOKENIZER, CORPUS = "model.weights.h5", "tokenizer.model", "corpus.parquet"
_LISTED = ("config.json", WEIGHTS, TOKENIZER, "metrics.json", "replies.json", "README.md")


@dataclass(frozen=True)
class BundleInfo:
    """What can be said of a bundle without loading its weights."""

    name: str
    path: Path
    language: str  # "en", "zh" or "und" (undetermined)
    description: str
    created: str  # ISO 8601 date
    size_bytes: int
    parameters: int
    metrics: Mapping[str, Any]


class Bundle(NamedTuple):
    """A bundle in memory."""

    info: BundleInfo
    config: Config
    tokenizer: Tokenizer
    seq2seq: Seq2Seq


def bundle_path(name_or_folder: str | Path) -> Path:
    """Returns the folder of a bundle given by name or by path.

    Raises:
        BundleError: there is none; names the nearest that exists.
    """
    path = Path(name_or_folder)
    named = models_folder() / path.name
    for found in (named, path) if path.name == str(name_or_folder) else (path,):
        if (found / "manifest.json").is_file():
            return found
    raise _no_model(str(name_or_folder))


def list_bundles(root: Path | None = None) -> list[BundleInfo]:
    """Returns all readable bundles below `root` (default: saved_models/), by name."""
    return sorted(_readable(root or models_folder()), key=lambda info: info.name)


def read_info(path: Path) -> BundleInfo:
    """Reads what a bundle says of itself.

    Raises:
        BundleError: it is damaged or was made by a newer version.
    """
    about = _read_json(path, "config.json")
    if about.get("format") != FORMAT:
        raise BundleError(
            f"Cannot read {path}: its format is {about.get('format')}, not {FORMAT}. "
            "Install the version that made it, or train it again."
        )
    try:
        return BundleInfo(
            name=path.name,
            path=path,
            language=str(about["language"]),
            description=str(about["description"]),
            created=str(about["created"]),
            size_bytes=sum((path / name).stat().st_size for name in _manifest(path)),
            parameters=int(about["parameters"]),
            metrics=_read_json(path, "metrics.json"),
        )
    except (KeyError, TypeError, ValueError, OSError):
        raise _damaged(path, "config.json or a listed file") from None


def read_bundle_config(path: Path) -> Config:
    """Returns the configuration that a bundle was trained with."""
    return validated(Config, _read_json(path, "config.json").get("config", {}))


def read_tokenizer(path: Path) -> Tokenizer:
    """Returns the tokenizer of a bundle."""
    try:
        return Tokenizer((path / TOKENIZER).read_bytes())
    except OSError:
        raise _damaged(path, TOKENIZER) from None


def verify_files(path: Path) -> None:
    """Checks every file against the manifest.

    Raises:
        BundleError: a file is missing or differs.
    """
    for name, expected in _manifest(path).items():
        if not (path / name).is_file() or sha256_of(path / name) != expected:
            raise _damaged(path, name)


def load_bundle(name_or_folder: str | Path) -> Bundle:
    """Loads a bundle after checking every file, and rebuilds its graphs in float32.

    Raises:
        BundleError: it is missing, damaged, newer, or its parts do not fit together.
    """
    from chatbot.model.network import build_seq2seq

    path = bundle_path(name_or_folder)
    info = read_info(path)  # first: a newer format may list other files
    verify_files(path)
    config = read_bundle_config(path)
    tokenizer = read_tokenizer(path)
    seq2seq = build_seq2seq(config.model, tokenizer.vocab_size)
    if seq2seq.training.count_params() != info.parameters:
        raise BundleError(
            f"Cannot load {path}: the model has {info.parameters} weights but its configuration "
            f"and tokenizer make {seq2seq.training.count_params()}. The files come from two "
            "different trainings. Copy the whole folder again, or train it again."
        )
    load_weights(path, seq2seq)
    return Bundle(info, config, tokenizer, seq2seq)


def load_weights(path: Path, seq2seq: Seq2Seq) -> None:
    """Reads the weights of a bundle into a network of the same shape."""
    try:
        seq2seq.training.load_weights(path / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(
            f"Cannot load {path / WEIGHTS}: {str(error).splitlines()[0]} "
            "Copy the whole folder again, or train it again."
        ) from None


def stored_replies(path: Path) -> dict[str, str]:
    """Returns the probe messages and what the bot answered when it was saved."""
    return {str(k): str(v) for k, v in _read_json(path, "replies.json").items()}


class BundleWriter:
    """Puts a bundle together beside its place and moves it there in one step.

    The weights come first, since they are rounded to float16 and everything else (scores,
    replies) has to be measured on the rounded ones: `weights`, then `finish`.
    """

    def __init__(self, name: str, root: Path | None = None) -> None:
        """Opens an empty folder beside `root/name`."""
        self.target = (root or models_folder()) / checked_name(name)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=self.target.parent))
        self._folder.chmod(0o755)

    def weights(self, seq2seq: Seq2Seq) -> None:
        """Stores the weights as float16 and loads the rounded ones back into `seq2seq`."""
        path = self._folder / WEIGHTS
        seq2seq.training.save_weights(path)
        _round_to_float16(path)
        load_weights(self._folder, seq2seq)
        self._parameters = int(seq2seq.training.count_params())

    def finish(
        self,
        config: Config,
        tokenizer: Tokenizer,
        about: Mapping[str, Any],
        metrics: Mapping[str, Any],
        replies: Mapping[str, str],
        card: str,
        corpus: Path | None = None,
    ) -> Path:
        """Writes the rest and moves the folder into place; an old bundle stays until then.

        Args:
            config: the effective configuration.
            tokenizer: the one that the model was trained with.
            about: `language`, `description`, `created`, `versions`.
            metrics: scores on the validation side.
            replies: probe message -> reply of the rounded weights.
            card: the model card, Markdown.
            corpus: the training pairs (Parquet), kept beside for the owner alone.
        """
        (self._folder / TOKENIZER).write_bytes(tokenizer.serialized)
        self._json("config.json", self._about(config, about))
        self._json("metrics.json", metrics)
        self._json("replies.json", replies)
        (self._folder / "README.md").write_text(card, encoding="utf-8")
        self._json("manifest.json", {name: sha256_of(self._folder / name) for name in _LISTED})
        if corpus is not None:  # not in the manifest: it is left out of every copy that leaves here
            shutil.copyfile(corpus, self._folder / CORPUS)
        _swap(self._folder, self.target)
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
        text = json.dumps(values, indent=2, ensure_ascii=False)
        write_whole(self._folder / name, text.encode("utf-8"))


def remove_bundle(name: str) -> None:
    """Deletes a bundle by name, with its training pairs."""
    path = named_folder(name)
    doomed = path.with_name(f".{path.name}-removed")
    shutil.rmtree(doomed, ignore_errors=True)  # an earlier removal may have been cut
    path.rename(doomed)  # first out of sight, so that a half-deleted bundle is never listed
    shutil.rmtree(doomed)


def named_folder(name: str) -> Path:
    """Returns the folder of a name in saved_models/, whole bundle or not; never another place.

    Raises:
        BundleError: there is none.
    """
    path = models_folder() / checked_name(name)
    if not path.is_dir():
        raise _no_model(name)
    return path


def _no_model(name: str) -> BundleError:
    names = ", ".join(info.name for info in list_bundles()) or "none"
    return BundleError(
        f"There is no model {name[:80]!r} (found: {names}). "
        "Give one of these names, or train one with `python -m chatbot train`."
    )


def _readable(root: Path) -> Iterator[BundleInfo]:
    folders = root.iterdir() if root.is_dir() else ()
    for path in folders:
        if not path.name.startswith(".") and (path / "manifest.json").is_file():
            try:
                yield read_info(path)
            except BundleError:  # one damaged bundle must not hide the others; verify names it
                continue


def _manifest(path: Path) -> dict[str, str]:
    sums = _read_json(path, "manifest.json")
    if missing := set(_LISTED) - set(sums):
        raise _damaged(path, sorted(missing)[0])
    return {name: str(sums[name]) for name in _LISTED}


def _read_json(path: Path, name: str) -> dict[str, Any]:
    try:
        values = json.loads((path / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _damaged(path, name) from None
    if not isinstance(values, dict):
        raise _damaged(path, name)
    return values


def _damaged(path: Path, name: str) -> BundleError:
    return BundleError(
        f"Cannot use {path}: {name} is missing or differs from what was saved. "
        "Copy the whole folder again, or train it again."
    )


def _round_to_float16(path: Path) -> None:
    """Copies an HDF5 file with every float32 array as float16: half the size on disk."""
    import h5py

    fresh = path.with_name("rounded.h5")
    with h5py.File(path, "r") as old, h5py.File(fresh, "w") as new:

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                kind = "float16" if item.dtype == "float32" else item.dtype
                twin = new.create_dataset(name, data=item[()].astype(kind))
            else:
                twin = new.require_group(name)
            twin.attrs.update(dict(item.attrs))

        old.visititems(copy)
        new.attrs.update(dict(old.attrs))
    fresh.replace(path)


def _swap(fresh: Path, target: Path) -> None:
    """Moves a folder to its place; what stood there is deleted only afterwards."""
    retired = fresh.with_name(fresh.name + "-old")
    if target.exists():
        target.rename(retired)
    try:
        fresh.rename(target)
    except BaseException:
        if retired.exists():
            retired.rename(target)
        raise
    shutil.rmtree(retired, ignore_errors=True)

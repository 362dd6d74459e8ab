"""What lies in a bundle, read and checked: alone without its weights, or loaded whole.

Imports no TensorFlow, save for `load_seq2seq` and for a bundle without `network.json`. Changes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from chatbot.bundle.staging import heal_if_idle
from chatbot.config import EOS_ID, Config, kept_config
from chatbot.errors import BundleError, ConfigError
from chatbot.files import checked_name, models_folder, sha256_of
from chatbot.quiet import import_tensorflow
from chatbot.text.facts import Fact, facts_from
from chatbot.text.tokenizer import Tokenizer, with_control
from chatbot.text.tones import Tones, tones_from

if TYPE_CHECKING:
    from chatbot.model.live import LiveNetwork
    from chatbot.model.network import Seq2Seq
    from chatbot.model.recorded import RecordedNetwork

FORMAT = 1  # raised when older programs could not read a bundle any more
WEIGHTS, TOKENIZER, CORPUS = "model.weights.h5", "tokenizer.model", "corpus.parquet"
FACTS, TONES, MANIFEST, CARD = "facts.json", "tones.json", "manifest.json", "README.md"
NETWORK, SHORTLIST = "network.json", "shortlist.json"
LISTED = ("config.json", WEIGHTS, TOKENIZER, "metrics.json", "replies.json", CARD)
MAY_BE_LISTED = (FACTS, TONES, NETWORK, SHORTLIST)
DEFAULT = "default"  # a file beside the bundles: the name of the one that a page begins with
_TRAINED_ON = "trained on "
_UNREADABLE = (OSError, ValueError, RecursionError)  # of a file that should be JSON
Given = TypeVar("Given")
Without = TypeVar("Without")


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

    @property
    def corpus(self) -> str:
        """The names of the corpora, as far as the description tells them."""
        return self.description.removeprefix(_TRAINED_ON)

    @property
    def perplexity(self) -> float:
        """Per token of the validation side; not a number where the bundle tells none."""
        found = self.metrics.get("perplexity")
        try:
            return float(found) if isinstance(found, int | float) else float("nan")
        except OverflowError:  # an integer of hundreds of digits
            return float("nan")


class Bundle(NamedTuple):
    """A bundle in memory."""

    info: BundleInfo
    config: Config
    tokenizer: Tokenizer
    network: RecordedNetwork | LiveNetwork
    facts: tuple[Fact, ...] = ()
    tones: Tones = Tones()


def bundle_path(name_or_folder: str | Path) -> Path:
    """Returns the folder of a bundle given by name or by path.

    Raises:
        BundleError: there is none; names the nearest that exists.
    """
    path = Path(name_or_folder)
    named = models_folder() / path.name
    heal_if_idle(models_folder())
    for found in (named, path) if path.name == str(name_or_folder) else (path,):
        if (found / MANIFEST).is_file():
            return found
    raise no_model(str(name_or_folder))


def list_bundles(root: Path | None = None) -> list[BundleInfo]:
    """Returns all readable bundles below `root` (default: saved_models/), by name."""
    heal_if_idle(root or models_folder())
    return sorted(_readable(root or models_folder()), key=lambda info: info.name)


def read_info(path: Path) -> BundleInfo:
    """Reads what a bundle says of itself.

    Raises:
        BundleError: it is damaged or was made by a newer version.
    """
    about = read_json(path, "config.json")
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
            size_bytes=sum((path / name).stat().st_size for name in manifest_of(path)),
            parameters=int(about["parameters"]),
            metrics=read_json(path, "metrics.json"),
        )
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise damaged(path, "config.json or a listed file") from None


def read_bundle_config(path: Path) -> Config:
    """Returns the configuration that a bundle was trained with.

    Raises:
        BundleError: config.json is no such file.
        ConfigError: it holds a setting that is none.
    """
    kept = read_json(path, "config.json").get("config", {})
    if not isinstance(kept, dict):
        raise damaged(path, "config.json")
    return kept_config(kept)


def read_tokenizer(path: Path) -> Tokenizer:
    """Returns the tokenizer of a bundle."""
    try:
        return Tokenizer((path / TOKENIZER).read_bytes())
    except OSError:
        raise damaged(path, TOKENIZER) from None


def stamp_of(path: Path) -> str:
    """Returns what changes whenever a file of a bundle does; empty where it is gone."""
    try:
        return sha256_of(path / MANIFEST)
    except OSError:
        return ""


def verify_files(path: Path) -> None:
    """Checks every file against the manifest.

    Raises:
        BundleError: a file is missing or differs.
    """
    for name, expected in manifest_of(path).items():
        if not (path / name).is_file() or sha256_of(path / name) != expected:
            raise damaged(path, name)


def load_bundle(name_or_folder: str | Path) -> Bundle:
    """Loads a bundle after checking every file, in float32.

    Raises:
        BundleError: it is missing, damaged, newer, or its parts do not fit together.
    """
    info, config, tokenizer = _checked(bundle_path(name_or_folder))
    path = info.path
    shortlist = read_shortlist(path, tokenizer.vocab_size)
    if NETWORK in manifest_of(path):
        network: RecordedNetwork | LiveNetwork = _recorded(path, shortlist)
    else:
        network = _live(path, config, tokenizer, shortlist)
    return Bundle(info, config, tokenizer, network, read_facts(path), read_tones(path))


def load_seq2seq(name_or_folder: str | Path) -> Seq2Seq:
    """Builds the Keras network of a bundle, with its weights. Imports TensorFlow.

    Raises:
        BundleError: as `load_bundle`.
    """
    info, config, tokenizer = _checked(bundle_path(name_or_folder))
    return _built(info.path, config, tokenizer)


def load_weights(path: Path, seq2seq: Seq2Seq) -> None:
    """Reads the weights of a bundle into a network of the same shape."""
    try:
        seq2seq.training.load_weights(path / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        raise _unfit(path, error) from None


def recording_of(path: Path, seq2seq: Seq2Seq) -> Mapping[str, Any]:
    """Returns a network as operations over the weights of a bundle that it was loaded from.

    Raises:
        NotImplementedError: NumPy cannot do one of them yet.
    """
    from chatbot.model.recording import record
    from chatbot.model.stored import names_of

    weights = [weight.numpy() for weight in seq2seq.training.weights]
    return record(seq2seq, names_of(path / WEIGHTS, weights))


def _checked(path: Path) -> tuple[BundleInfo, Config, Tokenizer]:
    """Returns all of a bundle but its network, every file checked."""
    info = read_info(path)  # first: a newer format may list other files
    verify_files(path)
    config, tokenizer = read_bundle_config(path), read_tokenizer(path)
    _verify_fit(info, config, tokenizer)
    return info, config, tokenizer


def _built(path: Path, config: Config, tokenizer: Tokenizer) -> Seq2Seq:
    import_tensorflow()
    from chatbot.model.network import build_seq2seq

    seq2seq = build_seq2seq(config.model, tokenizer.vocab_size)
    load_weights(path, seq2seq)
    return seq2seq


def _live(
    path: Path, config: Config, tokenizer: Tokenizer, shortlist: NDArray[np.int32] | None
) -> LiveNetwork:
    seq2seq = _built(path, config, tokenizer)
    from chatbot.model.live import LiveNetwork

    return LiveNetwork(seq2seq, shortlist)


def _recorded(path: Path, shortlist: NDArray[np.int32] | None) -> RecordedNetwork:
    """Returns the network as it was written down when it was saved."""
    from chatbot.model.recorded import RecordedNetwork
    from chatbot.model.stored import read_weights

    recording = read_json(path, NETWORK)
    try:
        weights = read_weights(path / WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        raise _unfit(path, error) from None
    try:
        return RecordedNetwork(recording, weights, shortlist)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        NotImplementedError,
        TypeError,
        ValueError,
    ):
        raise damaged(path, NETWORK) from None  # it lists what is no operation on these weights


def _verify_fit(info: BundleInfo, config: Config, tokenizer: Tokenizer) -> None:
    """Makes sure that configuration, tokenizer and weights are of one training.

    Raises:
        BundleError: they are not.
    """
    from chatbot.model.size import size_of

    expected = size_of(config.model, tokenizer.vocab_size).parameters
    if expected != info.parameters:
        raise BundleError(
            f"Cannot load {info.path}: the model has {info.parameters} weights but its "
            f"configuration and tokenizer make {expected}. The files come from two different "
            "trainings. Copy the whole folder again, or train it again."
        )


def _unfit(path: Path, error: Exception) -> BundleError:
    return BundleError(
        f"Cannot load {path / WEIGHTS}: {str(error).splitlines()[0]} "
        "Copy the whole folder again, or train it again."
    )


def read_facts(path: Path) -> tuple[Fact, ...]:
    """Returns the fixed facts of a bundle, none where it has none.

    Raises:
        BundleError: they are damaged.
    """
    return _given(path, FACTS, facts_from, ())


def read_tones(path: Path) -> Tones:
    """Returns which replies of a bundle are glad and which sorry, none where it tells none.

    Raises:
        BundleError: they are damaged.
    """
    return _given(path, TONES, tones_from, Tones())


def read_shortlist(path: Path, vocab_size: int) -> NDArray[np.int32] | None:
    """Returns the ids of the tokens that a bot can say, the control symbols first; None: all.

    Raises:
        BundleError: they are damaged.
    """

    def checked(plain: Any) -> NDArray[np.int32]:
        listed = plain["token_ids"]
        if not {EOS_ID} <= {*listed} <= {*range(vocab_size)}:
            raise ValueError("no token ids of this vocabulary, or no end of a reply")
        return with_control(listed)

    return _given(path, SHORTLIST, checked, None)


def _given(
    path: Path, name: str, read: Callable[[Any], Given], without: Without
) -> Given | Without:
    """Reads a file that a bundle may have."""
    if name not in manifest_of(path):
        return without
    try:
        return read(json.loads((path / name).read_text(encoding="utf-8")))
    except (*_UNREADABLE, LookupError, OverflowError, TypeError, ConfigError):
        raise damaged(path, name) from None


def read_licences(path: Path) -> list[dict[str, str]]:
    """Returns the terms (`set`, `licence`, `commercial`) of the public sets that it learned from.

    Empty where the bundle tells of none, as those made before terms were noted.
    """
    found = read_json(path, "config.json").get("licences")
    names = ("set", "licence", "commercial")
    return [
        {name: entry[name] for name in names}
        for entry in (found if isinstance(found, list) else [])
        if isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in names)
    ]


def read_card(path: Path) -> str:
    """Returns the model card of a bundle, Markdown."""
    try:
        return (path / CARD).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise damaged(path, CARD) from None


def stored_replies(path: Path) -> dict[str, str]:
    """Returns the probe messages and what the bot answered when it was saved."""
    return {str(k): str(v) for k, v in read_json(path, "replies.json").items()}


def default_model() -> str | None:
    """Returns the name of the bundle that a page begins with, None where none was chosen."""
    name = chosen_default()
    there = name is not None and (models_folder() / name / MANIFEST).is_file()
    return name if there else None


def ordered(bundles: Iterable[BundleInfo]) -> list[BundleInfo]:
    """Returns bundles as they are offered where none was chosen: English first, then by name."""
    return sorted(bundles, key=lambda info: (info.language != "en", info.name))


def named_folder(name: str) -> Path:
    """Returns the folder of a name in saved_models/, whole bundle or not; never another place.

    Raises:
        BundleError: there is none.
    """
    path = models_folder() / checked_name(name)
    if not path.is_dir():
        raise no_model(name)
    return path


def free_place(name: str) -> Path:
    """Returns where a new bundle goes.

    Raises:
        ConfigError: the name cannot name a model.
        BundleError: there is one of this name.
    """
    path = models_folder() / checked_name(name)
    if path.exists():
        raise BundleError(f"There is a model {name!r} already. Give another name.")
    return path


def no_model(name: str) -> BundleError:
    """Returns the error that names the models there are."""
    names = ", ".join(info.name for info in list_bundles()) or "none"
    return BundleError(
        f"There is no model {name[:80]!r} (found: {names}). "
        "Give one of these names, or train one with `python -m chatbot train`."
    )


def chosen_default() -> str | None:
    """Returns the name in the file of the default, whether there is such a bundle or not."""
    try:
        return checked_name((models_folder() / DEFAULT).read_text(encoding="utf-8").strip())
    except (OSError, ValueError, ConfigError):
        return None


def _readable(root: Path) -> Iterator[BundleInfo]:
    folders = root.iterdir() if root.is_dir() else ()
    for path in folders:
        if not path.name.startswith(".") and (path / MANIFEST).is_file():
            try:
                yield read_info(path)
            except BundleError:  # one damaged bundle must not hide the others; verify names it
                continue


def manifest_of(path: Path) -> dict[str, str]:
    """Returns the files of a bundle with their SHA-256 sums, its training pairs not among them."""
    sums = read_json(path, MANIFEST)
    if missing := set(LISTED) - set(sums):
        raise damaged(path, sorted(missing)[0])
    return {name: str(sums[name]) for name in (*LISTED, *MAY_BE_LISTED) if name in sums}


def read_json(path: Path, name: str) -> dict[str, Any]:
    """Returns what a JSON file of a bundle says."""
    try:
        values = json.loads((path / name).read_text(encoding="utf-8"))
    except _UNREADABLE:
        raise damaged(path, name) from None
    if not isinstance(values, dict):
        raise damaged(path, name)
    return values


def damaged(path: Path, name: str) -> BundleError:
    """Returns the error that names what is wrong with a bundle."""
    return BundleError(
        f"Cannot use {path}: {name} is missing or differs from what was saved. "
        "Copy the whole folder again, or train it again."
    )

"""A trained bot on disk: `saved_models/<name>/`, plain files and no code.

`config.json` (architecture, settings, versions), `model.weights.h5` (float16), `tokenizer.model`,
`metrics.json`, `replies.json` (what it answered when it was saved), `README.md` (the model card)
and `manifest.json` (a SHA-256 sum for each); there may be `facts.json`, `tones.json`,
`network.json` (the network as a list of array operations, see `chatbot.model.recording`; without it
the network is rebuilt from the configuration, which takes TensorFlow) and `shortlist.json` (the
tokens that the bot can say, see `chatbot.training.shortlist`; without it all). Nothing that is
loaded can run anything else. Knows no conversation.

`reading` looks into bundles and loads them, `writing` makes and changes them, `packing` makes one
file of one and takes it in again.
"""

from __future__ import annotations

from chatbot.bundle.packing import PACKED_ENDING, pack_bundle, unpack_bundle
from chatbot.bundle.reading import (
    CORPUS,
    FACTS,
    FORMAT,
    TOKENIZER,
    WEIGHTS,
    Bundle,
    BundleInfo,
    bundle_path,
    default_model,
    list_bundles,
    load_bundle,
    load_seq2seq,
    load_weights,
    manifest_of,
    named_folder,
    ordered,
    read_bundle_config,
    read_card,
    read_facts,
    read_info,
    read_licences,
    read_shortlist,
    read_tokenizer,
    read_tones,
    stamp_of,
    stored_replies,
    verify_files,
)
from chatbot.bundle.writing import (
    BundleWriter,
    edit_bundle,
    remove_bundle,
    rename_bundle,
    set_default_model,
)

__all__ = [
    "CORPUS",
    "FACTS",
    "FORMAT",
    "PACKED_ENDING",
    "TOKENIZER",
    "WEIGHTS",
    "Bundle",
    "BundleInfo",
    "BundleWriter",
    "bundle_path",
    "default_model",
    "edit_bundle",
    "list_bundles",
    "load_bundle",
    "load_seq2seq",
    "load_weights",
    "manifest_of",
    "named_folder",
    "ordered",
    "pack_bundle",
    "read_bundle_config",
    "read_card",
    "read_facts",
    "read_info",
    "read_licences",
    "read_shortlist",
    "read_tokenizer",
    "read_tones",
    "remove_bundle",
    "rename_bundle",
    "set_default_model",
    "stamp_of",
    "stored_replies",
    "unpack_bundle",
    "verify_files",
]

"""Weights as they lie in a file (HDF5): rounding, reading, and a look at them before Keras' own.

A file may come from anybody: HDF5 can point at other files of this machine and can promise arrays
larger than any memory. Imports h5py alone; knows no network.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def round_to_float16(path: Path) -> None:
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


def names_of(path: Path, arrays: Sequence[NDArray[Any]]) -> list[str]:
    """Returns where in a file each array stands that was written to it.

    They are found by what they hold, since the names that Keras gives are its own affair; of two
    that hold the same either will do.

    Raises:
        KeyError: one is not there.
    """
    found = {_content(array): name for name, array in read_weights(path).items()}
    return [found[_content(array)] for array in arrays]


def _content(array: Any) -> tuple[Any, bytes]:
    values = np.asarray(array, np.float32)
    return values.shape, values.tobytes()


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Returns all arrays of a file by the names of `names_of`.

    Raises:
        OSError: it cannot be read.
    """
    import h5py

    arrays: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()].astype(np.float32)

    with h5py.File(path, "r") as file:
        file.visititems(keep)
    return arrays


def load_into(model: Any, path: Path) -> None:
    """Reads a file of weights into a compiled Keras model, whose optimiser stays as it is.

    Keras warns of that, and the warning would stand on the terminal of whoever fine-tunes a bot.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        model.load_weights(path)


def stored_weights(path: Path) -> int:
    """Returns how many numbers a file of weights holds.

    Raises:
        ValueError: it is no such file, leads elsewhere, or holds what is no number.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            arrays = list(_arrays(file))
            count = sum(array.size for array in arrays)
            if count > path.stat().st_size:  # two bytes each; packed arrays promise anything
                raise ValueError("it promises more numbers than it has room for")
            if not all(np.isfinite(array[()]).all() for array in arrays):
                raise ValueError("it holds what is no number")
            return int(count)
    except (OSError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(str(error)) from None


def _arrays(group: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Yields the arrays below a group, none of which lies in another file."""
    import h5py

    seen = set() if seen is None else seen
    for name in group:
        item = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
        if isinstance(item, h5py.Group):
            address = h5py.h5o.get_info(item.id).addr
            if address not in seen:  # a group may hold itself
                seen.add(address)
                yield from _arrays(item, seen)
        elif isinstance(item, h5py.Dataset) and not (item.external or item.is_virtual):
            yield item
        else:
            raise ValueError(f"{name[:40]!r} leads elsewhere")

"""Gradio without the work that no page needs. Knows nothing else.

At each import Gradio 6.31 reads the source of its components to write `.pyi` files beside them and
fills in the docstrings of their events, both for editors; and it makes a web application at each
stage of a page, of which `launch` replaces the last by its own. Together this was more than a third
of what the page's start cost a processor (benchmarks/README.md), and two pages that started at once
wrote over each other's files.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def _nothing(*_: Any, **__: Any) -> None:
    """Stands in for what is left out."""


_LEFT_OUT: Mapping[str, Callable[[Any], None]] = {
    "gradio.component_meta": lambda module: setattr(module, "create_or_modify_pyi", _nothing),
    "gradio.events": lambda module: setattr(module.EventListener, "set_doc", _nothing),
}


def import_lean() -> None:
    """Lets a Gradio that is imported from now on do nothing for editors."""
    if "gradio" not in sys.modules and not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


@contextlib.contextmanager
def no_application_yet() -> Iterator[None]:
    """Lets a page that is built meanwhile make no web application: `launch` makes the one."""
    from gradio.routes import App

    made = vars(App)["create_app"]
    App.create_app = staticmethod(_nothing)
    try:
        yield
    finally:
        App.create_app = made


class _Finder(MetaPathFinder):
    """Finds these modules where they are, and changes each once it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in _LEFT_OUT else None
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _LEFT_OUT[name](module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

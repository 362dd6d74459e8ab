"""Imports Gradio in half the time: `import tests.quick_gradio`, or `-m tests.quick_gradio PROGRAM`.

Gradio 6.31 parses the source of every component at each import, to see that the type stub (.pyi)
beside it is up to date. No test needs those.
"""

from __future__ import annotations

import runpy
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_WRITER = "gradio.component_meta"


class _WithoutStubs(MetaPathFinder):
    """Finds the one module that writes stubs, and takes that from it once it is loaded."""

    def find_spec(self, fullname, path, target=None) -> ModuleSpec | None:
        if fullname != _WRITER:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        execute = spec.loader.exec_module

        def executed(module: ModuleType) -> None:
            execute(module)
            module.create_or_modify_pyi = lambda *_: None

        spec.loader.exec_module = executed
        return spec


if _WRITER not in sys.modules:
    sys.meta_path.insert(0, _WithoutStubs())

if __name__ == "__main__":
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")

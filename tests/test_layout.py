"""Imports run one way, and importing the package stays cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "chatbot"
# Each part may import these, and what they may import in turn.
MAY_IMPORT = {
    "errors": [],
    "config": ["errors"],
    "presets": ["config"],
    "files": ["errors"],
    "quiet": [],
    "text": ["config"],
    "corpus": ["config", "files", "text"],
    "decoding": ["config"],
    "model": ["config"],
    "bundle": ["config", "files", "quiet", "text", "model"],
    "tact": ["decoding", "text"],
    "training": ["corpus", "model", "text", "bundle", "decoding", "tact"],
    "explanation": [],
    "bot": ["bundle", "decoding", "explanation", "tact", "text"],
    "batching": ["bot"],
    "evaluation": ["bot", "corpus"],
    "database": ["errors"],
    "store": ["config", "database", "files"],
    "shelf": ["batching", "bundle"],
    "serving": ["shelf"],
    "ui": ["shelf", "bundle", "corpus", "quiet", "store"],
}
SEE_ALL = {"cli", "commands", "__main__", "__init__"}


def part_of(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [
                f"{node.module}.{a.name}" if node.module == "chatbot" else node.module or ""
                for a in node.names
            ]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("chatbot."))


def allowed(part):
    below = set(MAY_IMPORT[part])
    return {part} | below | {name for lower in below for name in allowed(lower)}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_run_one_way(path):
    if part_of(path) in SEE_ALL:
        pytest.skip("the outermost parts see all")
    assert set(imported_parts(path)) <= allowed(part_of(path))


@pytest.mark.parametrize(
    "module",
    [
        "chatbot",
        "chatbot.cli",
        "chatbot.bundle",
        "chatbot.corpus.prepare",
        "chatbot.training.job",
        "chatbot.serving.rest",
    ],
)
def test_importing_imports_no_tensorflow(module):
    code = f"import sys, {module}; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

"""Puts the stand-in for frpc, a real TCP relay, where Gradio keeps its tunnel program."""

from __future__ import annotations

import sys
from pathlib import Path

from gradio import tunneling

_FAKE = Path(__file__).parent / "fake_frpc.py"


def install_frpc(folder: Path) -> tuple[Path, dict[str, str]]:
    """Returns the program, and the environment in which a page shares through it.

    The relay writes its number into `frpc.pid`.
    """
    program = folder / "gradio" / "frpc" / tunneling.BINARY_FILENAME
    program.parent.mkdir(parents=True)
    _, rest = _FAKE.read_text().split("\n", 1)
    program.write_text(f"#!{sys.executable}\n{rest}")
    program.chmod(0o755)
    environment = {
        "HF_HOME": str(folder),
        "GRADIO_SHARE_SERVER_ADDRESS": "127.0.0.1:7000",
        "FAKE_FRPC_PID": str(folder / "frpc.pid"),
    }
    return program, environment

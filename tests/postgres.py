"""A PostgreSQL server for tests: its own data folder, a socket or port of its own, gone afterwards.

Knows nothing of what is kept in it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "s3cret-word"


def missing() -> str:
    """Returns why no server can be started here; nothing where one can."""
    for program in ("initdb", "pg_ctl", "postgres"):
        if shutil.which(program) is None:
            return f"the program {program} is not installed"
    if os.geteuid() == 0 and _other_user() is None:
        return "PostgreSQL does not run as root, and there is no user to run it as"
    return ""


@contextmanager
def server() -> Iterator[str]:
    """Runs a server; gives its URL, with user and password and without a database."""
    folder = Path(tempfile.mkdtemp(prefix="chatbot-pg-"))
    user = _other_user() if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    port = _free_port()
    try:
        _make(folder, user)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _pg_ctl(folder, user, "-w", "-t", "60", "-o", options, "-l", f"{folder}/log", "start")
        yield f"postgresql://owner:{PASSWORD}@127.0.0.1:{port}"
        _pg_ctl(folder, user, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path, user: pwd.struct_passwd | None) -> None:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    how = ["-U", "owner", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "-N"]
    _run(["initdb", "-D", f"{folder}/data", "--locale=C", *how], user)


def _pg_ctl(folder: Path, user: pwd.struct_passwd | None, *arguments: str) -> None:
    _run(["pg_ctl", "-D", f"{folder}/data", *arguments], user)


def _run(command: Sequence[str], user: pwd.struct_passwd | None) -> None:
    names = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would be held open by the server
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=120,
        **names,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}"


def _other_user() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

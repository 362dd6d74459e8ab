"""What README.md says is true: its code runs, its files exist, its versions are the tested ones."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs_and_prints_replies():
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 2


def test_every_file_that_is_linked_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_a_space_gets_the_versions_that_are_tested():
    front = yaml.safe_load(README.split("---")[1])
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert f"gradio=={front['sdk_version']} " in lock
    assert (ROOT / front["app_file"]).is_file()


def test_every_command_that_is_shown_is_known():
    verbs = set(re.findall(r"python -m chatbot (\w+)", README))
    command = [sys.executable, "-m", "chatbot", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert verbs
    assert all(f"  {verb} " in told for verb in verbs)

"""Stands in for `python -m chatbot`: trains nothing, tells the same events, saves a hollow bundle.

What it does stands in `--set fake.key=value`, or as `key=value` words in `fake.txt` in the home
folder: `steps` and `seconds` (a step) and what goes wrong:
`fail` (a line), `crash` (at this step, by SIGKILL), `silent` (leaves without a word).
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chatbot.files import home, models_folder, runs_folder, sha256_of

MESSAGES = ("Hello!", "What is <b>your</b> name?")
ESTIMATE = {
    "pairs": 120, "parameters": 3_000_000, "steps": 40, "epochs": 2.5, "seconds": 300,
    "memory_bytes": 1_500_000_000, "bundle_bytes": 7_000_000,
    "warnings": ["120 pairs are few. Add 1,880."], "warning_codes": ["few_pairs"],
}  # fmt: skip


def hollow_bundle(folder, *, base=None, replies=None, nats=2.0, scores=None, language="en"):
    """Writes a bundle that lists and compares like a real one, and cannot be loaded."""
    folder.mkdir(parents=True)
    about = {"language": language, "description": "fake", "created": "2026-11-20", "parameters": 3}
    files = {
        "config.json": {"format": 1, **about, "base": base, "config": {}},
        "metrics.json": {"nats": nats, "perplexity": round(math.exp(nats), 3), "minutes": 0.1}
        | (scores or {}),
        "replies.json": replies or dict.fromkeys(MESSAGES, f"reply {nats}"),
    }
    for name in ("model.weights.h5", "tokenizer.model", "README.md"):
        (folder / name).write_text(name)
    for name, values in files.items():
        (folder / name).write_text(json.dumps(values))
    sums = {path.name: sha256_of(path) for path in folder.iterdir()}
    (folder / "manifest.json").write_text(json.dumps(sums))


class FakeRun:
    """One training in its folder."""

    def __init__(self, name: str) -> None:
        self.folder = runs_folder() / name
        self.about = {}

    def set_up(self, about: dict) -> None:
        """Writes what a resumed run reads; a bad corpus ends it before."""
        for corpus in about["corpora"]:
            if not Path(corpus).read_text():
                raise SystemExit(f"Error: {Path(corpus).name} is empty. Write something into it.")
        (self.folder / "run.json").write_text(json.dumps(about))
        self.log("setup", name=self.folder.name, base=about["base"], estimate=ESTIMATE)

    def log(self, event: str, **facts) -> None:
        with (self.folder / "events.jsonl").open("a") as file:
            file.write(json.dumps({"event": event, "time": time.time(), **facts}) + "\n")

    def train(self) -> int:
        """Steps from the last checkpoint to the end, unless told otherwise."""
        self.about = json.loads((self.folder / "run.json").read_text())
        with (self.folder / "lock").open("a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            reason = self._steps()
        done = int((self.folder / "checkpoint").read_text())
        steps = int(self.about["fake"].get("steps", 20))
        self.log("done", reason=reason, step=done, steps=steps, best_step=1)
        self.log("saving")
        time.sleep(float(self.about["fake"].get("saving", 0)))
        bundle = models_folder() / self.folder.name
        if not bundle.exists():
            hollow_bundle(bundle, base=self.about["base"], nats=1.5)
        metrics = json.loads((bundle / "metrics.json").read_text())
        self.log("saved", path=str(bundle), metrics=metrics)
        return 0

    def _steps(self) -> str:
        fake, done = self.about["fake"], self.folder / "checkpoint"
        step, steps = int(done.read_text()) if done.exists() else 0, int(fake.get("steps", 20))
        self.log("resumed" if step else "started", step=step, steps=steps)
        while step < steps:
            time.sleep(float(fake.get("seconds", 0.01)))
            step += 1
            self._tell(step, steps)
            done.write_text(str(step))
            self._misbehave(step)
            if (self.folder / "stop").exists():
                return "stopped early"
        return "all steps"

    def _tell(self, step: int, steps: int) -> None:
        nats = 2 + 5 / step
        self.log(
            "progress", step=step, steps=steps, nats=nats, tokens_per_second=900,
            seconds_left=steps - step,
        )  # fmt: skip
        if step % 5 == 0:
            replies = dict.fromkeys(MESSAGES, f"after {step} <i>")
            base = self.about["base"]
            before = {"previous": dict.fromkeys(MESSAGES, "of the base")} if base else {}
            self.log(
                "validation", step=step, train_nats=nats, nats=nats + 0.3, perplexity=9.0,
                best=True, replies=replies, **before,
            )  # fmt: skip

    def _misbehave(self, step: int) -> None:
        fake, once = self.about["fake"], self.folder / "misbehaved"
        if once.exists() or step != int(fake.get("at", 7)):
            return
        once.touch()
        if "fail" in fake:
            self.log("failed", reason=fake["fail"])
            raise SystemExit(f"Error: {fake['fail']}")
        if "crash" in fake:
            os.kill(os.getpid(), signal.SIGKILL)
        if "silent" in fake:
            raise SystemExit(0)


def main() -> int:
    parser = argparse.ArgumentParser()
    for option in ("--name", "--from", "--minutes"):
        parser.add_argument(option)
    parser.add_argument("--set", action="append", default=[])
    for switch in ("--resume", "--estimate", "--json"):
        parser.add_argument(switch, action="store_true")
    parser.add_argument("verb")
    parser.add_argument("corpora", nargs="*")
    asked = parser.parse_intermixed_args()
    told = home() / "fake.txt"
    words = told.read_text().split() if told.exists() else []
    words += [setting.removeprefix("fake.") for setting in asked.set if setting.startswith("fake.")]
    fake = dict(word.split("=", 1) for word in words)
    if asked.estimate:
        if "fail" in fake:
            raise SystemExit(f"Error: {fake['fail']}")
        print(json.dumps(ESTIMATE))
        return 0
    run = FakeRun(asked.name)
    if not asked.resume:
        time.sleep(float(fake.get("reading", 0)))
        base = getattr(asked, "from")
        run.set_up({"corpora": asked.corpora, "base": base, "fake": fake})
    return run.train()


if __name__ == "__main__":
    sys.exit(main())

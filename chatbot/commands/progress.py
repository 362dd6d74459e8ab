"""How a training looks on the terminal: an estimate, a bar, and what the bot answers by now.

And how a download looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)


class TrainingDisplay:
    """Is told each event of a training and shows it; a plain log where there is no terminal."""

    def __init__(self) -> None:
        """Opens nothing yet."""
        self._console = Console()
        self._bar = Progress(
            BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
            console=self._console, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> TrainingDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, event: str, facts: Mapping[str, Any], /) -> None:
        """Shows one event; events that say nothing to a person are passed over."""
        show = getattr(self, f"_show_{event}", None)
        if show is not None:
            show(**facts)

    def _show_estimate(self, **facts: Any) -> None:
        memory = facts["memory_bytes"] / 2**30
        self._console.print(
            f"{facts['parameters']:,} weights on {facts['pairs']:,} pairs, {facts['device']}, "
            f"{facts['precision']}: {facts['steps']:,} steps ({facts['epochs']} epochs), about "
            f"{_duration(facts['seconds'])}"
            + (f", {memory:.1f} GiB of memory." if memory else "."),
            highlight=False,
        )

    def _show_resumed(self, step: int, steps: int, **_: Any) -> None:
        self._console.print(f"Going on from step {step:,} of {steps:,}.", highlight=False)

    def _show_progress(self, **facts: Any) -> None:
        line = (
            f"step {facts['step']:,}/{facts['steps']:,}  loss {facts['nats']:.3f}  "
            f"{facts['tokens_per_second']:,} tokens/s  {_duration(facts['seconds_left'])} left"
        )
        self._bar.update(
            self._task, completed=facts["step"], total=facts["steps"], description=line
        )

    def _show_validation(self, **facts: Any) -> None:
        mark = "best so far" if facts["best"] else "no gain"
        lines = [
            f"step {facts['step']:,}: loss {facts['train_nats']:.3f} training, "
            f"{facts['nats']:.3f} validation, perplexity {facts['perplexity']:.1f} ({mark})",
            *(f"  {m[:60]}  →  {r}" for m, r in facts["replies"].items()),
        ]
        self._console.print(escape("\n".join(lines)), highlight=False, soft_wrap=True)

    def _show_done(self, reason: str, best_step: int, **_: Any) -> None:
        if reason != "all steps":
            self._console.print(
                f"Ended early ({reason}); the best weights so far are those of step {best_step:,}.",
                highlight=False,
            )

    def _show_early(self, best_step: int, **_: Any) -> None:
        self._console.print(
            f"Stopped early: no gain on the validation side since step {best_step:,}, "
            "whose weights are kept.",
            highlight=False,
        )


class DownloadDisplay:
    """Is told how much of each file is here, and shows a bar for it where there is a terminal."""

    def __init__(self) -> None:
        """Opens nothing yet."""
        console = Console()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
            TransferSpeedColumn(), console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> DownloadDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, name: str, here: int, total: int | None, /) -> None:
        """Shows that `here` bytes of a file arrived, of `total` if known."""
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(escape(name), total=total)
        self._bar.update(self._tasks[name], completed=here, total=total)


def show_estimate(facts: Mapping[str, Any]) -> None:
    """Prints what a training would cost, and what to think of before."""
    print(
        f"{facts['parameters']:,} weights on {facts['pairs']:,} pairs: {facts['steps']:,} steps "
        f"({facts['epochs']} epochs), about {_duration(facts['seconds'])}, "
        f"{facts['memory_bytes'] / 2**30:.1f} GiB of memory; the model takes "
        f"{facts['bundle_bytes'] / 1e6:.1f} MB. Told from {facts['basis']}."
    )
    for warning in facts["warnings"]:
        print(f"Mind: {warning}")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

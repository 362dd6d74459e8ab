"""The learning rate of each step. Knows nothing else."""

from __future__ import annotations

from chatbot.config import TrainingConfig


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """Linear warm-up, then linear decay to zero at the last of `steps`.

    >>> config = TrainingConfig(learning_rate=1.0, warmup_steps=10)
    >>> [learning_rate(config, step, 110) for step in (0, 9, 60, 109)]
    [0.1, 1.0, 0.5, 0.01]
    """
    warmup = min(config.warmup_steps, steps // 4)  # a short run still gets to its full rate
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    return config.learning_rate * (steps - step) / max(1, steps - warmup)

"""How many steps a training takes, and the learning rate of each. Knows nothing else."""

from __future__ import annotations

from chatbot.config import TrainingConfig

VALIDATION = 1.1  # what a training takes for one second of its steps: validating and saving, too
_DEFAULT_EPOCHS = 10  # where no budget is given


def planned_steps(config: TrainingConfig, per_epoch: int, seconds: float) -> int:
    """Turns the budget (steps, epochs, minutes, or none of them) into steps.

    Args:
        config: the budget.
        per_epoch: batches in which each pair comes once.
        seconds: that a step takes.

    >>> budgets = [{"steps": 300}, {"epochs": 2.5}, {"minutes": 2}, {}]
    >>> configs = [TrainingConfig(**budget) for budget in budgets]
    >>> [planned_steps(config, per_epoch=50, seconds=0.5) for config in configs]
    [300, 125, 240, 500]
    """
    if config.minutes:
        return max(1, int(60 * config.minutes / seconds))
    return config.steps or max(1, round((config.epochs or _DEFAULT_EPOCHS) * per_epoch))


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

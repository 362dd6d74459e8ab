"""Text to token ids and back, and how a history becomes one source. Knows no model."""

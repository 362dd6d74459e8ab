"""How good a bot is, in numbers that can be compared with published ones. Start with evaluate.py."""

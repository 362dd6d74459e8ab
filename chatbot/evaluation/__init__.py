"""How good a bot is, in numbers that compare with published ones. Start with evaluate.py."""

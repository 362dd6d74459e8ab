"""Bots for other programs, over HTTP, in the form that chat programs speak."""

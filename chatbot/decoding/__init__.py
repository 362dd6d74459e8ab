"""Search over token sequences: greedy, sampling and beam, driven by any step function.

Knows no Keras model; only phrases.py knows text. Start with state.py, then strategies.py.
"""

"""The only package that builds Keras graphs: attention, encoder, decoder, network, loss.

Written in `keras.ops` alone, so it also trains on Keras' JAX backend. Knows no text. Start with
network.py. A search asks a network through live.py while it is in training, and through recorded.py
once it is saved: NumPy alone, see recording.py.
"""

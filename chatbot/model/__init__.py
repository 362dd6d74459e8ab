"""The only package that builds Keras graphs: attention, encoder, decoder, network, loss.

Written in `keras.ops` alone, so it also trains on Keras' JAX backend. Knows neither text nor
files. Start with network.py.
"""

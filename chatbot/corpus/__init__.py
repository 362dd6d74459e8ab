"""Files -> conversations -> clean pairs -> training and validation side, and a report on the way.

Knows nothing of tokens or models. Start with prepare.py; readers.py tells the formats apart.
"""

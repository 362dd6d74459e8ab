"""From clean pairs to learned weights: batches, the loop, the run folder, resume.

Start with trainer.py. Knows nothing of the page and the command line.
"""

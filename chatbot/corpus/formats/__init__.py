"""One module for each family of corpus formats; each yields conversations from a file of text.

They know nothing of folders or of one another: readers.py tells which of them reads a file.
"""

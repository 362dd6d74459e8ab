"""Tests that train for real: does it learn what it must be able to learn?"""

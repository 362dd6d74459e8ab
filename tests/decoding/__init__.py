"""Tests of chatbot/decoding/."""

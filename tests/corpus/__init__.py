"""Tests of chatbot/corpus/."""

"""Tests of chatbot/text/."""

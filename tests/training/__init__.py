"""Tests of chatbot/training/."""

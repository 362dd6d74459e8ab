"""Tests of chatbot/evaluation/."""

"""Tests of chatbot/model/."""

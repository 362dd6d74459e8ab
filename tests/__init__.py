"""The tests mirror chatbot/; fakes.py holds what stands in for a network."""

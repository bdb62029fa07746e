"""The text of an answer as a tree."""

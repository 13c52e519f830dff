"""The questions that commands ask at a terminal."""

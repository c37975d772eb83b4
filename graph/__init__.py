"""The vocabulary and the stores; imports nothing of ours."""

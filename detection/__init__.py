"""Stores in, rings and alerts out."""

"""Kafka and files in, stores out."""

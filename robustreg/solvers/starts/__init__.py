"""Starts of a resistant fit: where the search for the lowest minimum begins."""

"""Starts of a resistant fit: the search for the lowest minimum of S."""

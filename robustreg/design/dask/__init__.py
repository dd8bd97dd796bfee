"""Chunks of Dask collections, which are read where they lie."""

"""Designs of Dask collections, whose chunks are read where they are stored."""

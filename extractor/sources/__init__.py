"""Inputs -> documents: files, globs, folders and standard input, in every format of the registry, as a stream."""

from extractor.sources.base import BadRecord, Fields, Location, Sourced
from extractor.sources.reading import Gauge, read

__all__ = ["BadRecord", "Fields", "Gauge", "Location", "Sourced", "read"]

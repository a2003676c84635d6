"""The formats that are read, a row each; what is known of one stands in its module."""

from extractor.sources.base import Format
from extractor.sources.json_records import JSON, JSON_LINES
from extractor.sources.scrape import PLAIN_TEXT

FORMATS: tuple[Format, ...] = (JSON_LINES, JSON, PLAIN_TEXT)
"""In the order in which they are asked whether they recognise a file. The last recognises every file."""

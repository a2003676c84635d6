"""The explorer: a page on which the claims of jobs are sorted, filtered, drawn, and read in their abstracts."""

from extractor.outputs.explorer.answers import Explorer, NotThereError
from extractor.outputs.explorer.page import fetched_page, page_of_jobs, write_page

__all__ = ["Explorer", "NotThereError", "fetched_page", "page_of_jobs", "write_page"]

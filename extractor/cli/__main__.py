"""`python -m extractor.cli`, for where the command is not on the path."""

from extractor.cli import main

main()

"""The exit codes of every command. 4 is kept for the quality gate of `extractor eval`."""

ALL_DONE = 0
NOTHING_DONE = 1
WRONG_USAGE = 2
DONE_WITH_FAILURES = 3
INTERRUPTED = 130
PIPE_CLOSED = 141

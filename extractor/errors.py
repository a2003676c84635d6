"""The exceptions of the package, split by who can mend them.

ExtractorError
├── UsageError      the user: a wrong argument, an unreadable path, a setting that contradicts another
├── ProviderError   the provider: a model call that failed for good
└── DataError       the data: an input file, gold file or record that is not what it should be

Anything else that is raised is a bug. Each message says the cause and the fix in one line.
"""


class ExtractorError(Exception):
    """Base of every error that the package raises on purpose."""


class UsageError(ExtractorError):
    """The call or command cannot be carried out as asked."""


class ProviderError(ExtractorError):
    """A model provider did not answer in a usable way."""


class DataError(ExtractorError):
    """A file or record does not hold what it should."""

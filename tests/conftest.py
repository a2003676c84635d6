"""What all tests share."""

from hypothesis import settings

# The same examples on every run, and no clock: a slow machine must not fail a test that holds.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

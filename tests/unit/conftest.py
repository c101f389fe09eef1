"""Property tests draw the same examples on every run and are not judged by the machine's speed."""

from hypothesis import settings

settings.register_profile("cod", max_examples=40, derandomize=True, deadline=None)
settings.load_profile("cod")

"""The start page: one's own file first, the projects as cards."""

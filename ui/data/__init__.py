"""The Data page: files, pasted texts, rows of columns."""

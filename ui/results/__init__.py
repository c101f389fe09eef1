"""The Results page: its sections, and what is kept of them."""

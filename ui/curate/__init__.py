"""The Curate page: the card, its buttons and keys, what opens beside it."""

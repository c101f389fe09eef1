"""The Export page: what goes along, and where to."""

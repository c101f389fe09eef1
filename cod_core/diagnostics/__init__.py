"""Fidelity, margins, crossings, information: measures on arrays."""

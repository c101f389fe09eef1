"""Encoders, teachers and students for use: everything that turns texts into numbers."""

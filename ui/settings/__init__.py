"""The Settings page: people, the project as a whole."""

"""The Distil page: finished students."""

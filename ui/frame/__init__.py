"""What stands around every page: the sidebar, the session, errors, who is at the screen, the tour."""

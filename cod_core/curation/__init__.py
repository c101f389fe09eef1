"""What people decide: pure functions over the store."""

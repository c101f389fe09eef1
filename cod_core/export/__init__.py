"""What leaves the app: the record, the bundle, the student package."""

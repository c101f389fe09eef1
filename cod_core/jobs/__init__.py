"""Long work: a queue in the database and a worker process."""

"""The database: schema, migrations and queries. Knows no model and no screen."""

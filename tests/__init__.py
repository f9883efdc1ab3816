"""What must hold. Every database test runs on SQLite and on a real PostgreSQL."""

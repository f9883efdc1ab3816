"""What the rows, the schema and the numbers promise."""

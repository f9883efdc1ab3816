"""What runs without a user waiting, and the process that serves the rest."""

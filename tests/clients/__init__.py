"""Other people's programs that report to the application as they would to any collector."""

"""The collector: what it watches, writes and never claims."""

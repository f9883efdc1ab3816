"""Every door for machines."""

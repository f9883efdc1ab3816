"""Rows, access, numbers: the only room that speaks SQL."""

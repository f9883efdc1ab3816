"""Figures: measured rows in, Plotly figures out. Pure, so that a test needs no browser."""

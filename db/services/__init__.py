"""Writes: one service call is one step of a transaction that the caller opens and commits."""

"""Hostile input at every door, and hostile text in every table.

`doors` finds the doors, `nasty` makes the values, `world` holds the application and puts its database back after each
case, `oracles` say what must hold of every answer, `run` brings them together. A case is one request.
"""

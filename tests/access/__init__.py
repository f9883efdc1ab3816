"""Who may do what, attacked: a hand-written oracle, a small world of rows, and every cell tried on every layer."""

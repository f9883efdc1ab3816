"""Every door for people. A page reads what db declares, lets components draw it and holds no data of its own."""

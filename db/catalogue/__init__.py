"""The 139 agents of the catalogue and their loader. `agents.csv` names the source of every row."""

"""The neural map in a real browser, beside raw three.js and 3d-force-graph."""

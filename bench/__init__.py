"""Speed against peers: `make bench` measures, compares in one run and writes RESULTS.md."""

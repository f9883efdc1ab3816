"""Long measurements that are run on purpose, never as part of the tests."""

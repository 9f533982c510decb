"""Speed and memory, measured on whole processes; never part of the tests."""

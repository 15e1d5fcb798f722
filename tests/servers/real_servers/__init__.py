"""Servers that tests start for themselves, each on a free loopback port and in a temporary directory.

Found by the tests of every wheel through `pythonpath` in the settings of pytest. A module imports the client
of its own server at most, which the `test` extra or the wheel itself brings.
"""

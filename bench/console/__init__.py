"""The console at size: timed from inside, on a database that is there."""

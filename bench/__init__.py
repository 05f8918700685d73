"""Load: a client, the scenarios, the servers they run against, and what is said of the results."""

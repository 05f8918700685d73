"""Whether and how a server may run.

The fitness of its database, the lock against a second server, the first run, made-up companies and
messages.
"""

"""How rows are read and written in bulk: SQL by hand, chunked queries, retries, connections.

A floor between the models and the services: it knows no use case.
"""

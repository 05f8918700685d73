"""The company: users and departments, and what clients sync of them.

Also spreadsheets of users (`bulk_import`), phonetic names, phone numbers, and the links that
clients show beside the company (`discovery_links`).
"""

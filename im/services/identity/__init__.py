"""Who may log in, with what, and when that ends.

Passwords and their rules, tokens and sessions of browsers, push tokens, throttles of guesses,
profiles; `revocation` finds the logins that are over.
"""

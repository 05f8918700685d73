"""What is said: composing it, reading it again, counting what is unread.

Lists of many clients are read together (`prefetch`, `memberships`, `queries`); `catch_up` finds
what a gateway has missed, `search` what an operator looks for.
"""

"""The connections of this process: who is here, what they get, when they end."""

"""From outside a gateway: what operators ask it, and what other processes let it tell."""

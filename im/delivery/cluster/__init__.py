"""The gateways together: the bus between them, who is at which, what one of them has missed."""

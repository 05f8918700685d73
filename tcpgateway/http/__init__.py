"""The HTTP server beside the gateway: daphne's, with bounds, deadlines and flow control."""

"""The message writer: write requests in, one transaction for all that waited, results out."""

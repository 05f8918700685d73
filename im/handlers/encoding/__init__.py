"""What becomes PDUs: records of rows, notifications of events, replies that say no."""

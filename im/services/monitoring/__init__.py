"""What operators look at: figures by the hour, and the disk."""

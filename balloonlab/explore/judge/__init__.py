"""What a graph of states says: what is wrong, what can still become of it, what the host can hear."""

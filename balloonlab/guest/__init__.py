"""Floor 5: memory, driver and host together, and whole operations on them: by arrays or by steps."""

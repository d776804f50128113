"""Floor 1: what everything stands on: the journal of changes, errors in sentences, interruptible work."""

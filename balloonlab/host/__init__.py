"""Floor 2: the other side of the device: config space, queues, and the log of PFN messages."""

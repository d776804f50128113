"""Floor 2: the guest's page frames, its buddy allocator, compaction scanners, fragmentation metrics and workloads."""

"""Floor 3: primitives (the verbs of driver text), the machine that steps threads, timeline and schedules."""

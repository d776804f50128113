"""Breadth first over a learned table: plain or many states at once, and the graph that is left behind."""

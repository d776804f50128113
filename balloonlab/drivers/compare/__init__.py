"""Two driver versions side by side (`bl.diff`)."""

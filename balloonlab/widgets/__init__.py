"""Floor 6: the widgets. `Lab` is the whole laboratory, `PageMap` its page map alone."""

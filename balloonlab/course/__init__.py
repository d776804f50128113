"""Floor 6: what is taught: scenarios, the catalogue of defects, questions that answer with a reason."""

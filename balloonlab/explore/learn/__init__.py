"""From generator text to a table: each thread learned as a finite automaton, states packed into numbers."""

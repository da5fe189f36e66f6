"""The simulation: a whole region in one process, from one seed, with an auditor that knows what must hold."""

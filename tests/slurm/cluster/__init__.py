"""A real Slurm cluster on this machine, for tests and for trying the whole thing out."""

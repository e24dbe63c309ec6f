"""Control of the Slurm adapter mode: who said what, until when, and who follows."""

__version__ = "0.1.0"

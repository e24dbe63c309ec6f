"""The live Slurm, seen through one child process that alone holds pyslurm."""

"""The published contract, held against the code through its public face."""

"""The pure rules, tried without a clock, a disk or a network."""

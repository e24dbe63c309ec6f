"""Pure rules: no clock, no disk, no network. What time it is comes in as `now`."""

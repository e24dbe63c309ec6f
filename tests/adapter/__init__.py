"""The adapter room: policy file, resolvers, telemetry."""

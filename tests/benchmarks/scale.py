"""What grows with the work: steps of a pipeline, runs in a store."""

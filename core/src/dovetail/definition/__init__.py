"""What users write: steps, pipelines, and what their calls say. Imports nothing but the standard library."""

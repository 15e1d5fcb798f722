"""The revisions, in order; a published one is never changed."""

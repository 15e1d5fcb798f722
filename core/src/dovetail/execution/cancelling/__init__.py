"""The end of a run that somebody wishes: by a signal, from another process, or by force."""

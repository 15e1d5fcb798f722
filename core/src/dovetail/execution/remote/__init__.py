"""What execution elsewhere needs: the project's code as an archive, a job in the store, operated steps."""

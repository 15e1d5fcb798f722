"""The command line: one file for each noun, none of which is imported before it is named."""

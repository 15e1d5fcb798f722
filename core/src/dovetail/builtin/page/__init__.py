"""The drawing of pages: snapshots of runs and artifacts, the layout of a graph, charts, tables, markup."""

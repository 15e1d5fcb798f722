"""Planning: a composition and a stack become a plan; the only place where the two meet."""

"""What authors of plugins and our own tests share: contract classes and fixtures. Never loaded by itself."""

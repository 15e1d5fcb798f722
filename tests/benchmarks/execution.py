"""What running costs: chains of trivial steps, cached steps, processes, parallel steps."""

"""What the operating system of this machine tells of processes and does to them."""

"""One attempt at a step, in whichever process it is made: its code, its inputs, its call, its report."""

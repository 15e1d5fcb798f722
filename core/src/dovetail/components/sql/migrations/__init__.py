"""The way from every older schema to the present one, one revision after the other."""

"""What leaves the program, one module per format."""

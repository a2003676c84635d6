"""Many documents: run them, write down what is done, resume."""

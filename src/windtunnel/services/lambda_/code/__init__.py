"""The code of functions: archives, layers, and whose signatures they need."""

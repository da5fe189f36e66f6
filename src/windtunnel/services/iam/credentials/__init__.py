"""What users prove themselves with: keys, passwords, devices, certificates."""

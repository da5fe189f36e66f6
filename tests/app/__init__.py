"""What a person holds: commands, and regions inside programs."""

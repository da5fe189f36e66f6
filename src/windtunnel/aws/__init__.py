"""AWS's small languages as pure functions: no state, no input or output, no clock."""

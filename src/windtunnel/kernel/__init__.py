"""The ground everything stands on: store, clock, loop and ids. No word of AWS in it."""

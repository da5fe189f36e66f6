"""Stories: what a region does, told in calls and jumps of the clock."""

"""From an event to what it sets off: rules, their targets, and what is made of the event for each of them."""

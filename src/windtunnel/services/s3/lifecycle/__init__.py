"""Rules by which objects expire or move on, and the nightly look at who has come of age."""

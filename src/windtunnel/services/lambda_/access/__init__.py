"""Who may use a function or a layer, accounts of others among them."""

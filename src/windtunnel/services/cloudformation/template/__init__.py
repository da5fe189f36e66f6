"""The language of templates: text to tree, tree to checked template, and functions to values. Nothing in here knows a store."""

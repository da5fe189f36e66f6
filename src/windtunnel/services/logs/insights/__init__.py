"""The language of Logs Insights, from a query's words to functions of rows."""

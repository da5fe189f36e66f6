"""Deliveries of logs that AWS's services vend: sources, destinations and what joins them."""

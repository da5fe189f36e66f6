"""Push notifications: applications, the devices that are registered, and what is sent to them."""

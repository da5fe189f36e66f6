"""Stack sets: one template in many accounts and regions."""

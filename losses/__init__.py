"""What all methods share: turning a gradient weight into a verl policy loss, and registering it."""

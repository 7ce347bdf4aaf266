"""How much resolution a picture truly has: the cues, and the one frozen score made of them."""

"""How much detail an image has, by its entropy and by the grey levels of neighbouring pixels."""

"""How much an image shows, by its entropy and by how its grey levels stand beside each other."""

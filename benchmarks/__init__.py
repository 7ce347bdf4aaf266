"""How fast groundglass is, beside decoding alone and beside other tools."""

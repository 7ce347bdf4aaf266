"""The speed of groundglass, compared with decoding alone and with other tools."""

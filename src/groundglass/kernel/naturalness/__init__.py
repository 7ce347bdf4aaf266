"""Natural scene statistics: how far a picture's texture is from that of clean photographs."""

"""How jobs are run over many images: in processes here, on a cluster later."""

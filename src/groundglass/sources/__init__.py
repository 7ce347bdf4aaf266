"""Where images come from: folders, archives, tables, samples. One lister a kind."""

"""Jobs over many items: worker processes that may die, hang or be killed, threads, progress, interrupts."""

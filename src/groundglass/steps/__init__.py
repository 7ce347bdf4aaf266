"""What each kind of step does when it is planned and run."""

"""What each kind of step does when it is planned and run. It may import `audits`, and what lies below."""

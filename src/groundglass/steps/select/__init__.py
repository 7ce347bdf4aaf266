"""The step `select`: judge the pool by a rule, or by a cascade."""

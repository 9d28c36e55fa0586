"""JSON syntax trees, judged against a JSON Schema."""

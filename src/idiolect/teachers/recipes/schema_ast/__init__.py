"""The recipe schema_ast: domains to schemas, schemas to queries, queries to verified JSON trees."""

"""The parts of lowering JSON Schema; the door is `idiolect.grammar.from_json_schema`."""

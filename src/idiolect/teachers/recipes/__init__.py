"""Recipes: how a dialect and a teacher are turned into examples."""

"""Killable, sandboxed processes for what may hang or crash."""

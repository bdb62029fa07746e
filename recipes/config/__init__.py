"""A command's config: composed from overrides, its resolvers, its hardware presets."""

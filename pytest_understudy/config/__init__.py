"""What a session evaluates with: understudy.toml, read and checked."""

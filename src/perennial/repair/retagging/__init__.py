"""Other tags for a wheel whose files stay as they are."""

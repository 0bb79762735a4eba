"""What runs when monitoring is on; nothing here is imported without --monitor-pods."""

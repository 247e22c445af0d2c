"""What every stage shares: settings, pinned bits, the guard, and how stages read and write."""

"""What can be typed, by what it is about. Each module adds its commands to the parser."""

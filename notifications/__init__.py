"""Who is told, and whether they answered."""

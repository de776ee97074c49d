"""The shell: what holds the domain, and the floor it stands on."""

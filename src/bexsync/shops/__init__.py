"""The shops bexsync can stand beside; each implements bexsync.ports.Shop."""

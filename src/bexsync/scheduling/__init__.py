"""When jobs run by themselves, written down for cron and for systemd."""

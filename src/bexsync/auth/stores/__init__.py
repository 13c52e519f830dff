"""Where logins are kept: chosen at login, recorded, never changed in silence."""

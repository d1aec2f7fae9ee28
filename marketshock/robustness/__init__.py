"""Whether a finding is one of the choices made, of the day, or of the days before."""

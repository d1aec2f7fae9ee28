"""Models of the normal return. All fill the one contract `ModelFit`."""

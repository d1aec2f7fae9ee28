"""Reading of news texts: dates, figures and names."""

"""What is no drift yet: apart, for whoever sets it needs no NumPy."""

TOLERATED = 0.1
"""Population stability index below which a change is called insignificant by convention (Siddiqi,
2006, "Credit Risk Scorecards")."""

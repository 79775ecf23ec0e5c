"""Forecasts in the forms that other people's platforms and models accept."""

"""How good forecasts were that were frozen before the world answered."""

"""What is left and whose it is: catalogue, stock, units, codes, redemption, limits, facts."""

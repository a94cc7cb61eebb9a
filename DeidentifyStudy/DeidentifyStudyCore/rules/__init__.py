"""What happens to each element, as rules that can describe themselves."""

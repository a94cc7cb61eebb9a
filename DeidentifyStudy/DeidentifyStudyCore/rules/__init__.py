"""What happens to each element, as rules that can describe themselves, and how free text is cleaned."""

"""Living datasets: what is read again, how models hold up, and what is read next."""

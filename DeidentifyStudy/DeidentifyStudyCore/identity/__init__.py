"""Who a patient is and how that is written: keys, pseudonyms, shifted dates, the echo of names, numbers and dates."""

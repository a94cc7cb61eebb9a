"""What a run tells people and programs: the signed report, its page, and the page of a profile."""

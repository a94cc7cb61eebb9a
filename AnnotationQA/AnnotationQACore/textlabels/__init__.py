"""Labels out of radiology reports: findings of a protocol, and whether they are said to be there."""

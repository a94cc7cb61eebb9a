"""Agreement and consensus of a whole project, item by item, by the statistics that the protocol asks for."""

"""How a result comes from its data: one event of a study, and a firm's market-cap change, written out step by step."""

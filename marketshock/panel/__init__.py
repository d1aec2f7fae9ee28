"""The event panel: events aligned with prices, and the arrays made of them."""

"""Which features a prompt names."""

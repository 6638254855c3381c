"""Any feature table, without images, as a pipeline folder of its own: `radprompt new` and `radprompt table`."""

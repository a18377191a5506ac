"""Other people's descriptions of models, read into our specs without executing anything."""

"""Starting the engine's processes and talking to them: this is how a viewer reaches torch without loading it."""

"""The places of the playground: each fills the screen between one header and one footer. One file a place."""

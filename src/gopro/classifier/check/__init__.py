"""A folder of photographs is looked at before anything is learned from it."""

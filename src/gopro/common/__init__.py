"""What every room uses: errors, files, progress bars, tensors on disk, processes, text."""

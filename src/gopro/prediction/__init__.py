"""Prediction: features, scores and classes of pictures, computed exactly or fast."""

"""gopro"""

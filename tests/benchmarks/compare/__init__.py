"""Other systems of this kind on the same documents and questions, judged in the same way. See `__main__`."""

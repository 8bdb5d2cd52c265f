"""Out of the graph: an ONNX model, a protobuf that its own library makes."""

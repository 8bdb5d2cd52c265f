"""Out of the graph: Keras source with the functional API, channels last, and the model that it builds."""

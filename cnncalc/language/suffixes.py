"""Files that are no specs, told by the end of their names: what each is, and how its network comes here."""

from __future__ import annotations

import os

_WRITTEN = 'torch.onnx.export(model.eval(), torch.zeros(1, 3, 224, 224), "model.onnx")'
_ONNX = f"`{_WRITTEN}`, then `cnncalc summary model.onnx`"
_WEIGHTS = ("a file of weights", f"from PyTorch write {_ONNX}")
_PICTURE = ("a picture", "`cnncalc run` takes pictures as data, in PGM or PPM: `cnncalc run lenet5 --data picture.pgm`")
_HDF5 = ("an HDF5 file", 'in Keras write `model.save("model.keras")`, then `cnncalc summary model.keras`')
_TENSORFLOW = ("a TensorFlow model", "`python -m tf2onnx.convert` makes an ONNX file of it, which cnncalc reads")
_CAFFE = ("a file of Caffe", "write it as a spec: `cnncalc layers --from caffe` has the words")
_BEGIN = "a spec is YAML: `cnncalc init` writes one to start from"

OTHERS: dict[str, tuple[str, str]] = {
    ".py": ("a Python program", "name the model in it, which runs it: `cnncalc summary net.py:Net --input 3x224x224`"),
    ".ipynb": ("a notebook", f"in it, write the network: {_ONNX}"),
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".safetensors", ".bin"), _WEIGHTS),
    **dict.fromkeys((".h5", ".hdf5"), _HDF5),
    **dict.fromkeys((".pb", ".tflite"), _TENSORFLOW),
    **dict.fromkeys((".prototxt", ".caffemodel"), _CAFFE),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg", ".pgm", ".ppm"), _PICTURE),
    ".pdf": ("a PDF", _BEGIN),
    ".toml": ("a TOML file", _BEGIN),
}


def what(path: str) -> tuple[str, str] | None:
    """What a file is that is no spec, and what to do; None where its name does not tell."""
    return OTHERS.get(os.path.splitext(path)[1].lower())

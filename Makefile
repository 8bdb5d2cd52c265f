# `make run` and `make test` work on a fresh clone with Python, pip and make alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRAMEWORKS := $(VENV)/frameworks

.PHONY: run test test-every test-frameworks check bench verify verify-families clean help

run: $(VENV)/installed
	$(BIN)/cnncalc summary resnet18 --depth 2
	@echo
	@echo 'Try next:'
	@echo '  $(BIN)/cnncalc init my.yaml            a network of your own, to change'
	@echo '  $(BIN)/cnncalc summary my.yaml         what it has'
	@echo '  $(BIN)/cnncalc explain resnet18 conv1  how a number came about'
	@echo '  $(BIN)/cnncalc --help                  all commands'

help:
	@echo 'make run              installs into $(VENV), shows a network, and says what to try next'
	@echo 'make test             installs, and runs the tests'
	@echo 'make test-every       what takes long; and what takes a sample of networks or cases, on all'
	@echo 'make check            ruff and mypy'
	@echo 'make bench            timings, as ratios'
	@echo 'make verify           executes every bundled network, an hour or so'
	@echo 'make verify-families  executes one network of each family'
	@echo 'make test-frameworks  against PyTorch, Keras and ONNX: gigabytes to install'
	@echo 'make clean            removes what was installed and cached'

# The tests are kept compiled, whatever the environment says: to compile them takes as long as a tenth of them.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal

test: $(VENV)/installed-dev
	$(PYTEST) -m "not thorough"

# What `make test` leaves out because it takes long; and all of the networks and random cases of which it tries a sample.
test-every: $(VENV)/installed-dev
	EVERY_NETWORK=1 $(PYTEST) -m "thorough or every"

# Against PyTorch, Keras, ONNX and ONNX Runtime, in an environment of their own: gigabytes to install.  One network of
# each file, a quarter of an hour on two cores; all of them, which takes hours, with EVERY_NETWORK=1.
test-frameworks: $(FRAMEWORKS)/installed
	KERAS_BACKEND=torch OMP_NUM_THREADS=1 $(FRAMEWORKS)/bin/python -m pytest tests/frameworks -n auto --dist worksteal

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed-dev
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python tests/benchmarks/executor.py

verify: $(VENV)/installed
	$(BIN)/cnncalc verify --all

# The small networks, and one of each family; those of tens of GMACs at a smaller input.
verify-families: $(VENV)/installed
	$(BIN)/cnncalc verify --all --up-to 100000000 > $(VENV)/verified
	$(BIN)/cnncalc verify alexnet alexnet_2012 googlenet googlenet_2014 inception_module resnet18 mobilenet_v2 \
		mobilenet_v3_large mnasnet0_5 squeezenet1_1 regnet_y_400mf efficientnet_b0 densenet40_k12 dcgan_generator \
		dcgan_discriminator nasnet_mobile lraspp_mobilenet_v3_large vgg11 resnet50_v2 inception_v3 \
		efficientnet_v2_s convnext_tiny densenet121 yolov8n xception inception_v4 inception_resnet_v2 \
		>> $(VENV)/verified
	$(BIN)/cnncalc verify unet --input 1x188x188 >> $(VENV)/verified
	$(BIN)/cnncalc verify fcn_resnet50 deeplabv3_resnet50 deeplabv3_mobilenet_v3_large --input 3x97x97 \
		>> $(VENV)/verified
	$(BIN)/cnncalc verify retinanet_resnet50_fpn --input 3x128x128 >> $(VENV)/verified
	$(BIN)/cnncalc verify s3d c3d_ucf101 ssd300_voc wavenet_one_stack >> $(VENV)/verified
	$(BIN)/cnncalc verify r3d_18 --input 3x16x64x64 >> $(VENV)/verified
	grep 'verified by execution' $(VENV)/verified

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m compileall -q cnncalc
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

$(FRAMEWORKS)/installed: pyproject.toml $(VENV)/installed
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/pip install --quiet --disable-pip-version-check --editable '.[frameworks]'
	touch $@

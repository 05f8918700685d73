.PHONY: proto
PYTHON := .venv/bin/python

proto:  ## regenerate the protobuf modules
	$(PYTHON) -m im.wire.proto.generate

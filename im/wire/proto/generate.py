"""Generates the protobuf modules from the .proto files beside this module.

`python -m im.wire.proto.generate` rewrites them; with `--check` it changes nothing and fails when a
checked-in module is not what protoc makes today.  Needs grpcio-tools (requirements-dev.txt).
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

PROTO_DIR = Path(__file__).resolve().parent
SOURCE_ROOT = PROTO_DIR.parents[2]  # imports inside .proto files are relative to it
GENERATED = ("*_pb2.py", "*_pb2.pyi")

# Constructors take any int for an enum field (the IntEnums of im.types, say); protoc's stubs know
# only names and their own enum classes.
_ENUM_ARGUMENT = re.compile(r"_Union\[([\w.]+), str\]")


def generate(target_root: Path) -> None:
    """Write all modules below `target_root`, in the folders of their .proto files.

    Raises RuntimeError when protoc refuses.
    """
    sources = sorted(str(path) for path in PROTO_DIR.glob("*.proto"))
    arguments = [f"-I{SOURCE_ROOT}", f"--python_out={target_root}", f"--pyi_out={target_root}"]
    status = protoc.main(["protoc", *arguments, *sources])
    if status != 0:
        raise RuntimeError(f"protoc ended with status {status}")
    for stub in (target_root / PROTO_DIR.relative_to(SOURCE_ROOT)).glob("*.pyi"):
        stub.write_text(_repaired(stub.read_text()))


def stale_modules() -> list[str]:
    """Return the names of modules that are missing, outdated or without a .proto file."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = _contents(Path(folder) / PROTO_DIR.relative_to(SOURCE_ROOT))
    checked_in = _contents(PROTO_DIR)
    names = fresh.keys() | checked_in.keys()
    return sorted(name for name in names if fresh.get(name) != checked_in.get(name))


def _repaired(stub: str) -> str:
    """Loosen and complete the constructors of a stub, for `mypy --strict`."""
    stub = _ENUM_ARGUMENT.sub(r"_Union[\1, int, str]", stub)
    return stub.replace(", _Mapping]", ", _Mapping[str, object]]")


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for pattern in GENERATED for path in folder.glob(pattern)}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when stale")
    if not parser.parse_args().check:
        generate(SOURCE_ROOT)
    elif stale := stale_modules():
        sys.exit(f"stale: {', '.join(stale)}; run `make proto`")


if __name__ == "__main__":
    main()

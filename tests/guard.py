"""Runs a server and ends it, with its directory, when the standard input closes.

The tests hold the other end: however they end, even killed, no server outlives them.  The data is
thrown away, so nobody waits for an orderly shutdown.  A server that ends by itself leaves its
directory behind: the tests may want to start it again.

    python guard.py DIRECTORY COMMAND [ARGUMENT...]
"""

import shutil
import subprocess
import sys
import threading


def main(directory: str, *command: str) -> int:
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    is_over = threading.Event()

    def end_with_the_tests() -> None:
        sys.stdin.read()
        is_over.set()
        server.kill()

    threading.Thread(target=end_with_the_tests, daemon=True).start()
    status = server.wait()
    if is_over.is_set():
        shutil.rmtree(directory, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

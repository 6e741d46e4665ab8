"""The examples of README and docs, as their readers run them."""

import json
import os
import re
import shlex
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from command import OFFLINE


def run_in(folder: Path, command: str, status: int = 0) -> str:
    environment = {name: v for name, v in os.environ.items() if name != "DIGITLENS_DATA"} | OFFLINE
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == status, f"{command}: {done.stderr}"
    return done.stdout


def serve_in(folder: Path, command: str) -> None:
    """Run what serves until it is told to end."""
    words = re.sub(r" --port \d+", "", command)
    started = [sys.executable, "-m", *shlex.split(words), "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(started, cwd=folder, **pipes)
    try:
        address = urlsplit(process.stdout.readline().strip())
        asked = f"{address.scheme}://127.0.0.1:{address.port}/api/health?{address.query}"
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(asked, context=trust) as answer:
            assert json.load(answer)["status"] == "ok"
        process.terminate()
        process.communicate(timeout=10)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def blocks(text: str, language: str) -> list[str]:
    """Give the fenced blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


def commands(text: str) -> list[str]:
    """Give the commands of a page's blocks of shell, without what is said about them."""
    lines = "".join(blocks(text, "sh")).replace("\\\n", "").splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.strip()]

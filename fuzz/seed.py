#!/usr/bin/env python3
"""Writes the seed corpora: the transcripts of docs/protocol.md in the form that the targets read, and small files of
each kind. Run from anywhere; the result is fuzz/corpus, which is not kept in the repository."""

import pathlib
import re

here = pathlib.Path(__file__).resolve().parent
text = (here.parent / "docs" / "protocol.md").read_text()


def put(target, name, data):
    folder = here / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data.encode())


commands = {"accept": "a", "deny": "d", "confirm": "c", "stored": "s", "decline": "n", "answer": "a", "message": "m"}
for number, block in enumerate(re.findall(r"^```transcript (.*?)^```", text, re.S | re.M)):
    port, _, *steps = block.strip("\n").split("\n")
    server, client = [], []
    for step in steps:
        kind, rest = step[:2], step[3:].replace("\u2401", "\x01")
        if kind in ("C:", "C~"):
            server.append(rest)
        elif kind == "S:":
            client.append(rest)
        elif step == "C$":
            server.append("$")
        elif step == "S$":
            client.append("$")
        elif step.startswith("! wait "):
            wait = "~%d" % -(-int(step[7:]) // 1000)
            server.append(wait)
            client.append(wait)
        elif step.startswith("! "):
            word = step[2:].split(" ")[0]
            if word in commands:
                server.append("!" + commands[word])
            if word in ("post", "idpost"):
                client.append("!p")
    side = "writer" if port == "write" else "listener"
    put(side + "_server", f"t{number}", "\n".join(server))
    for kind in "\x00\x01\x02\x03":
        put(side + "_client", f"t{number}-{ord(kind)}", kind + "\n".join(client))
    put("codec", f"t{number}", "\x07" + "\n".join(server + client))
put("cleaning", "mixed", "a\x1b[31m\u202e\u0301\u0301 \U0001f468\u200d\U0001f469 \t\r\n\u2028")
put("history", "original", "[14.01.23 17:07] Vlad: text\nno stamp\n[14.01.23 17:08] Bob: two\u240alines\n[14.01.2")
put("credentials", "original", '{"nickname": "Keen Bob", "account_hash": "9a08", "more": 1}\nnot json\n')
put("configuration", "profiles", '[profile.default]\nhost = "h"\nlisten_port = 1\n[profile.work]\ntls = true\n')
put(
    "server_configuration",
    "all",
    'listen = "0.0.0.0:5000"\ndata-dir = "d"\nmax-connections = 0x10\npost-rate = "20:200"\nstall = 1.5\n'
    'strict = true\nlog-format = "json"\ntls-listen = "[::]:1"\ntls-cert = "c"\n',
)
put("plain_lines", "two", "Keen Bob: hello\nсмелая Аня: привет: да\n")
put("plain_lines", "odd", " Bob : x\nno sender\n: y\nBob: \u0301\n")

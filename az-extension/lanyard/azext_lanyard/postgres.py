"""PostgreSQL's protocol, as far as a deployment needs it: TLS, a password or token, simple queries.

The standard library alone, because the CLI's Python has no driver and a machine without a network can install none.
Follows libpq's PGHOSTADDR, PGPORT and PGSSLROOTCERT. The server's certificate and name are always verified.
"""

import base64
import hashlib
import hmac
import os
import secrets
import socket
import ssl
import struct

_TIMEOUT_SECONDS = 60
_NUMBERS = {20: int, 21: int, 23: int, 26: int, 700: float, 701: float}
_BOOLEAN = 16


class PostgresError(Exception):
    """An error that the server reported, in its words."""


class Result:
    def __init__(self):
        self.columns = []
        self.rows = []
        self.tags = []


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    if "\\" in text or "\0" in text:
        raise ValueError("A backslash or NUL has no place in a name.")
    return "'" + text.replace("'", "''") + "'"


class Connection:
    def __init__(self, host, user, password, database):
        port = int(os.environ.get("PGPORT") or 5432)
        plain = socket.create_connection((os.environ.get("PGHOSTADDR") or host, port), timeout=_TIMEOUT_SECONDS)
        try:
            plain.sendall(struct.pack("!II", 8, 80877103))
            if plain.recv(1) != b"S":
                raise PostgresError("the server does not speak TLS")
            self._socket = _trust().wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        self._file = self._socket.makefile("rb")
        try:
            self._start(user, password, database)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self._send(b"X", b"")
        except OSError:
            pass  # The server has hung up first.
        self._file.close()
        self._socket.close()

    def query(self, text):
        """Runs one text of statements; what the last of them returned is in `rows`."""
        self._send(b"Q", text.encode() + b"\0")
        result, failure = Result(), None
        while True:
            kind, body = self._receive()
            if kind == b"T":
                result.columns, result.rows = _columns(body), []
            elif kind == b"D":
                result.rows.append(_row(body, result.columns))
            elif kind == b"C":
                result.tags.append(body.rstrip(b"\0").decode())
            elif kind == b"E":
                failure = PostgresError(_message(body))
            elif kind == b"G":
                self._send(b"f", b"COPY needs a client that streams\0")
            elif kind == b"Z":
                if failure is not None:
                    raise failure
                return result

    def _start(self, user, password, database):
        pairs = {"user": user, "database": database, "application_name": "az", "client_encoding": "UTF8"}
        parameters = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in pairs.items()) + b"\0"
        self._socket.sendall(struct.pack("!II", len(parameters) + 8, 196608) + parameters)
        while True:
            kind, body = self._receive()
            if kind == b"R":
                self._authenticate(struct.unpack("!I", body[:4])[0], body[4:], password)
            elif kind == b"E":
                raise PostgresError(_message(body))
            elif kind == b"Z":
                return

    def _authenticate(self, method, body, password):
        if method == 0:
            return
        if method == 3:
            self._send(b"p", password.encode() + b"\0")
        elif method == 10 and b"SCRAM-SHA-256" in body.split(b"\0"):
            self._scram(password)
        else:
            raise PostgresError(f"the server wants an authentication ({method}) that this client does not have")

    def _scram(self, password):
        nonce = base64.b64encode(secrets.token_bytes(18)).decode()
        first = f"n=,r={nonce}"
        message = f"n,,{first}".encode()
        self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(message)) + message)
        challenge = self._sasl(11)
        given = dict(part.split("=", 1) for part in challenge.split(","))
        if not given["r"].startswith(nonce):
            raise PostgresError("the server answered somebody else's login")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(given["s"]), int(given["i"]))
        final = f"c=biws,r={given['r']}"
        signed = f"{first},{challenge},{final}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        proof = bytes(
            left ^ right for left, right in zip(key, hmac.digest(hashlib.sha256(key).digest(), signed, "sha256"))
        )
        self._send(b"p", f"{final},p={base64.b64encode(proof).decode()}".encode())
        expected = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        if not hmac.compare_digest(self._sasl(12), f"v={base64.b64encode(expected).decode()}"):
            raise PostgresError("the server does not know the password either")

    def _sasl(self, wanted):
        kind, body = self._receive()
        if kind == b"E":
            raise PostgresError(_message(body))
        if kind != b"R" or struct.unpack("!I", body[:4])[0] != wanted:
            raise PostgresError("the login was answered out of order")
        return body[4:].decode()

    def _send(self, kind, body):
        self._socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _receive(self):
        head = self._file.read(5)
        if len(head) < 5:
            raise PostgresError("the server closed the connection")
        return head[:1], self._file.read(struct.unpack("!I", head[1:])[0] - 4)


def _trust():
    context = ssl.create_default_context()
    for name in ("PGSSLROOTCERT", "REQUESTS_CA_BUNDLE"):
        if os.environ.get(name):
            context.load_verify_locations(os.environ[name])
    return context


def _columns(body):
    (count,), columns, at = struct.unpack("!H", body[:2]), [], 2
    for _ in range(count):
        end = body.index(b"\0", at)
        columns.append((body[at:end].decode(), struct.unpack("!I", body[end + 7 : end + 11])[0]))
        at = end + 19
    return columns


def _row(body, columns):
    values, at = {}, 2
    for name, kind in columns:
        (size,) = struct.unpack("!i", body[at : at + 4])
        at += 4
        if size < 0:
            values[name] = None
            continue
        text = body[at : at + size].decode()
        at += size
        values[name] = text == "t" if kind == _BOOLEAN else _NUMBERS.get(kind, str)(text)
    return values


def _message(body):
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    said = f"{fields.get(b'S', 'ERROR')}: {fields.get(b'M', 'no message')} (SQLSTATE {fields.get(b'C', '?')})"
    return said + "".join(f"\n{name}: {fields[key]}" for key, name in ((b"D", "DETAIL"), (b"H", "HINT")) if key in fields)

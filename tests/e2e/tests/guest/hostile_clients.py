"""Clients of a service under TLS that break one rule each, and some that keep all of them, by tlslite-ng.

Usage: hostile_clients.py HOST PORT. Prints a line for each; exits with 1 if the server answers one otherwise than it must.
"""

import random
import socket
import sys
import threading
import time

from tlslite.api import HandshakeSettings, TLSConnection

ADDRESS = (sys.argv[1], int(sys.argv[2]))
TIMEOUT_S = 60
REQUEST = b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
OK = "HTTP/1.1 200 OK"
ALERTS = {10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
          47: "illegal_parameter", 50: "decode_error", 70: "protocol_version"}
failures = 0


def report(name, found, *expected):
    global failures
    is_right = found in expected
    failures += not is_right
    print(f"{'ok    ' if is_right else 'WRONG '} {name:<56} {found}", flush=True)


def settings(version=(3, 4), **others):
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = version
    for name, value in others.items():
        setattr(settings, name, value)
    return settings


def connect():
    return socket.create_connection(ADDRESS, timeout=TIMEOUT_S)


def established(settings=settings()):
    connection = TLSConnection(connect())
    connection.handshakeClientCert(settings=settings)
    return connection


def polite(**others):
    """What a client gets that keeps the rules."""
    try:
        connection = established(settings(**others))
        connection.write(REQUEST)
        return bytes(connection.read(max=15, min=15)).decode()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def raw(*pieces):
    """How the server answers bytes that are no handshake: its last record, in the clear."""
    stream, answer = connect(), b""
    for piece in pieces:
        stream.sendall(piece)
    try:
        while piece := stream.recv(4096):
            answer += piece
    except ConnectionResetError:
        pass
    except TimeoutError:
        return "silence"
    if not answer:
        return "the end"
    kind, description = answer[0], answer[6] if len(answer) == 7 else None
    return {21: f"alert {ALERTS.get(description, description)}", 22: "a handshake"}.get(kind, answer[:20].hex())


def first_answer(data):
    stream = connect()
    stream.sendall(data)
    try:
        answer = stream.recv(7)
    except ConnectionResetError:
        answer = b""
    stream.close()
    return {b"": "the end", b"\x15": "an alert", b"\x16": "a handshake"}.get(answer[:1], answer.hex())


def after_handshake(act):
    """How the server answers what comes after a good handshake."""
    connection = established()
    try:
        act(connection)
        return bytes(connection.read(max=15, min=15)).decode()
    except Exception as error:
        return f"{type(error).__name__}"


def client_hello():
    """The first record of a client that keeps the rules."""
    ours, theirs = socket.socketpair()

    def begin():
        try:
            TLSConnection(ours).handshakeClientCert(settings=settings())
        except Exception:
            pass

    threading.Thread(target=begin, daemon=True).start()
    time.sleep(0.5)
    hello = theirs.recv(65536)
    theirs.close()
    return hello


def record(kind, body, version=b"\x03\x03"):
    return bytes([kind]) + version + len(body).to_bytes(2, "big") + body


def updates(count):
    def act(connection):
        for _ in range(count):
            for _ in connection.send_keyupdate_request(1):
                pass
        connection.write(REQUEST)
    return act


def main():
    report("a client", polite(), OK)
    report("one that has only P-256", polite(keyShares=["secp256r1"], eccCurves=["secp256r1"]), OK)
    report("one that has to be asked for its share again", polite(keyShares=[]), OK)
    report("one that has only AES-128", polite(cipherNames=["aes128gcm"]), OK)
    report("one that has only ChaCha20", polite(cipherNames=["chacha20-poly1305"]), "TLSRemoteAlert: handshake_failure")
    for minor in (1, 2, 3):
        # Before 1.2 clients do not say which signatures they know, and that is missed first.
        alerts = [f"TLSRemoteAlert: {alert}" for alert in ("handshake_failure", "protocol_version")[minor // 3:]]
        report(f"one of TLS 1.{minor - 1}", polite(version=(3, minor)), *alerts)

    hello = client_hello()
    report("HTTP without TLS", raw(b"GET / HTTP/1.1\r\n\r\n"), "alert decode_error")
    report("a record longer than records are", raw(b"\x16\x03\x01\xff\xff", bytes(100)), "alert decode_error", "alert record_overflow")
    report("an empty record of a handshake", raw(record(22, b"")), "alert decode_error")
    report("data before a handshake", raw(record(23, b"hello")), "alert unexpected_message")
    report("an alert before a handshake", raw(record(21, b"\x02\x28")), "the end")
    report("a heartbeat", raw(record(24, b"\x01\x40\x00")), "alert decode_error")
    report("a hello as data", raw(b"\x17" + hello[1:]), "alert unexpected_message")
    long = bytearray(hello)
    long[6:9] = b"\xff\xff\xff"
    report("a hello of 16 MiB, of which little comes", raw(bytes(long)), "the end", "alert decode_error", "alert illegal_parameter")
    report("a hello byte by byte", first_answer(b"".join(record(22, bytes([byte])) for byte in hello[5:])), "a handshake")

    random.seed(1)
    answers = set()
    for place in range(len(hello)):
        changed = bytearray(hello)
        changed[place] ^= random.randrange(1, 256)
        answers.add(first_answer(bytes(changed)))
    report("each byte of a hello changed", str(answers <= {"a handshake", "an alert", "the end"}), "True")

    garbage = record(23, bytes(32))
    report("a record that nobody sealed", after_handshake(lambda c: c.sock.sendall(garbage)), "TLSRemoteAlert")
    report("a hello in the clear after the handshake", after_handshake(lambda c: c.sock.sendall(hello)), "TLSRemoteAlert")
    report("an end that was not said", after_handshake(lambda c: c.sock.shutdown(socket.SHUT_WR)), "TLSAbruptCloseError")
    report("30 new keys", after_handshake(updates(30)), OK)
    report("100 new keys, one after the other", after_handshake(updates(100)), "TLSAbruptCloseError", "TLSRemoteAlert", "ConnectionResetError")
    report("and a client once more", polite(), OK)
    sys.exit(failures > 0)


main()

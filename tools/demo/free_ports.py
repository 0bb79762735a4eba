#!/usr/bin/env python3
"""Prints as many free loopback ports as are asked for. Usage: free_ports.py COUNT"""
import socket
import sys

held = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in held:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))
